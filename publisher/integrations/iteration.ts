import { setMethod } from "./overlay.ts";

/** Told what becomes of an iteration. None of its methods may throw. */
export interface Watcher {
  value(value: unknown): void;
  /** There is nothing more to come. */
  done(): void;
  failed(error: unknown): void;
  /** Whoever iterates wants no more. */
  left(): void;
}

/** Any of the methods of an iterator. */
type Step = (...args: readonly unknown[]) => unknown;

/**
 * Watches an iterator without being in its way: it stays the same object, and gives and throws what it did. The watcher
 * is told before whoever iterates is.
 */
export function watchIterator<I extends object>(iterator: I, watcher: Watcher): I {
  const { next, return: leave } = iterator as { next?: Step; return?: Step };
  if (typeof next !== "function") return iterator;
  setMethod(iterator, "next", (...args) =>
    Promise.resolve(Reflect.apply(next, iterator, args)).then(
      (result: unknown) => {
        const { done, value } = result as IteratorResult<unknown>;
        if (done === true) watcher.done();
        else watcher.value(value);
        return result;
      },
      (error: unknown) => {
        watcher.failed(error);
        throw error;
      },
    ),
  );
  if (typeof leave === "function") {
    setMethod(iterator, "return", (...args) => {
      watcher.left();
      return Reflect.apply(leave, iterator, args);
    });
  }
  return iterator;
}
