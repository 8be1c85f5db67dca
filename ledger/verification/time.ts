export const DAY_MICROS = 86_400_000_000n;

/** What a Date can say; a forged time may be anything. */
const MAX_MICROS = 8_640_000_000_000_000_000n;

/** RFC 3339 with six digits, or the number where no calendar reaches. */
export function timeText(micros: bigint): string {
  if (micros > MAX_MICROS || micros < -MAX_MICROS) return `${micros} µs`;
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const second = new Date(Number((micros - fraction) / 1000n)).toISOString().replace(/\.000Z$/, "");
  return `${second}.${String(fraction).padStart(6, "0")}Z`;
}
