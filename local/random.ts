/** Uniform numbers from 0 and below 1. */
export type Random = () => number;

/**
 * Repeatable randomness: the same seed and name give the same numbers, different names independent ones (mulberry32, its
 * state taken from an FNV-1a hash). Good enough to choose by; nothing secret may depend on it.
 */
export function seededRandom(seed: number, name: string): Random {
  let state = 0x811c9dc5;
  for (const unit of `${seed}\n${name}`) state = Math.imul(state ^ (unit.codePointAt(0) ?? 0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
