import type { ObjectStore } from "./object-store.ts";

/**
 * The highest number of a series of objects that begins at 0 and has no gaps; undefined when it is empty. Looks at 2 log2(n) objects,
 * where a listing would look at all. When it grows meanwhile: the highest number at some moment since the call.
 * @throws ERR_STORE
 */
export async function latestNumber(
  store: Pick<ObjectStore, "has">,
  nameOf: (number: number) => string,
): Promise<number | undefined> {
  const has = (number: number): Promise<boolean> => store.has(nameOf(number));
  if (!(await has(0))) return undefined;
  let present = 0;
  let absent = 1;
  while (await has(absent)) {
    present = absent;
    absent = absent * 2 + 1;
  }
  while (absent - present > 1) {
    const middle = present + Math.floor((absent - present) / 2);
    if (await has(middle)) present = middle;
    else absent = middle;
  }
  return present;
}
