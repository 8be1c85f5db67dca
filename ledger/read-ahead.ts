/** Objects of a store that are read ahead at most: a commit or a note is some KB, and 3 MB at most. */
const MAX_AHEAD = 32;

/**
 * What `read` gives for each item, in the order of the items. Meanwhile the next ones are read, as many as have been taken, and at most 32:
 * whoever needs only the first few has not read many for nothing. An error comes in its place, one of the items' source behind all before it.
 */
export async function* readAhead<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  read: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const source = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const ahead: Promise<Result>[] = [];
  let taken = 0;
  let isDone = false;
  try {
    for (;;) {
      while (!isDone && ahead.length < Math.min(taken + 1, MAX_AHEAD)) {
        let reading: Promise<Result>;
        try {
          const next = await source.next();
          isDone = next.done === true;
          if (next.done === true) break;
          reading = read(next.value);
        } catch (error) {
          isDone = true;
          reading = Promise.reject(error);
        }
        // Whether it failed is asked when it is its turn, or never.
        reading.catch(() => undefined);
        ahead.push(reading);
      }
      const next = ahead.shift();
      if (next === undefined) return;
      yield await next;
      taken += 1;
    }
  } finally {
    if (!isDone) await source.return?.();
  }
}
