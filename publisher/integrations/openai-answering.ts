/** Follows what `create()` gives: a promise that reads the answer when it is first awaited, and often a stream. */
import type { Call } from "./openai-call.ts";
import { watchIterator } from "./iteration.ts";
import { setMethod } from "./overlay.ts";
import { fieldAt } from "./reading.ts";

type Method = (...args: readonly unknown[]) => unknown;

/**
 * Calls whose answer somebody may still read. What cannot be reached any more, a stream that was dropped half read or a
 * promise that nobody awaited, ends its call here.
 */
const open = new FinalizationRegistry<Call>((call) => call.forgotten());

/** A call's answer can be read through `holder` from now on, and no longer through what held it before. */
function hold(holder: object, call: Call): void {
  open.unregister(call);
  open.register(holder, call, call);
}

/**
 * Follows an answer for `call`, and gives it. An `APIPromise` sends its request once, parses the body when it is first
 * awaited, and rejects unhandled when nobody does: that stays so.
 */
export function follow(answer: unknown, call: Call): unknown {
  if (typeof answer !== "object" || answer === null || methodOf(answer, "then") === undefined) return answer;
  const unwrap = methodOf(answer, "_thenUnwrap");
  if (unwrap !== undefined) return followPromise(Reflect.apply(unwrap, answer, [receiver(call)]) as object, call);
  // Any other promise, as of a client that somebody made for a test.
  return (answer as Promise<unknown>).then(receiver(call), (error: unknown) => {
    call.failed(error);
    throw error;
  });
}

function receiver(call: Call): (data: unknown) => unknown {
  return (data) => {
    if (typeof data === "object" && data !== null && Symbol.asyncIterator in data) followStream(data, call);
    else call.answered(data);
    return data;
  };
}

function followPromise(promise: object, call: Call): object {
  let isAwaited = false;
  const then = methodOf(promise, "then")!;
  hold(promise, call);

  /** Listens for an error only when the caller does: it would pass for handled otherwise. */
  function listen(): void {
    if (isAwaited) return;
    isAwaited = true;
    open.unregister(call);
    Reflect.apply(then, promise, [undefined, (error: unknown) => call.failed(error)]);
  }

  for (const name of ["then", "catch", "finally", "withResponse"]) {
    const method = methodOf(promise, name);
    if (method === undefined) continue;
    setMethod(promise, name, (...args) => {
      listen();
      return Reflect.apply(method, promise, args);
    });
  }
  const asResponse = methodOf(promise, "asResponse");
  if (asResponse !== undefined) {
    setMethod(promise, "asResponse", () => {
      const response = Reflect.apply(asResponse, promise, []);
      open.unregister(call);
      // A second look at the same response, so that an error of the caller's own look stays the caller's to handle.
      void (Reflect.apply(asResponse, promise, []) as Promise<unknown>).then(
        () => (isAwaited ? undefined : call.responded()),
        (error: unknown) => call.failed(error),
      );
      return response;
    });
  }
  const unwrap = methodOf(promise, "_thenUnwrap");
  if (unwrap !== undefined) {
    setMethod(promise, "_thenUnwrap", (...args) => followPromise(Reflect.apply(unwrap, promise, args) as object, call));
  }
  return promise;
}

/** Watches what is read from a stream, by whatever way: all of them open its one iterator. */
function followStream(stream: object, call: Call): void {
  const key = methodOf(stream, "iterator") === undefined ? Symbol.asyncIterator : "iterator";
  const iterate = methodOf(stream, key);
  if (iterate === undefined) return;
  const signal = fieldAt(stream, "controller", "signal") as AbortSignal | undefined;
  let isOpened = false;
  hold(stream, call);
  setMethod(stream, key, (...args) => {
    const iterator = Reflect.apply(iterate, stream, args) as object;
    // A stream can be read once; what a second attempt throws is no fault of the call.
    if (isOpened) return iterator;
    isOpened = true;
    hold(iterator, call);
    const close = (end: () => void): void => {
      open.unregister(call);
      end();
    };
    return watchIterator(iterator, {
      value: (chunk) => call.chunk(chunk),
      done: () => close(() => call.streamed(signal?.aborted === true)),
      failed: (error) => close(() => call.failed(error)),
      left: () => close(() => call.abandoned()),
    });
  });
}

function methodOf(object: object, key: string | symbol): Method | undefined {
  const method = (object as { readonly [key: string | symbol]: unknown })[key];
  return typeof method === "function" ? (method as Method) : undefined;
}
