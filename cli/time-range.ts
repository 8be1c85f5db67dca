import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";

const unitMs: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * The time that a duration before `now`, or RFC 3339 text, means.
 *
 * @param now milliseconds since 1970
 * @returns milliseconds since 1970, rounded down
 * @throws ERR_CONFIG
 */
export function parseSince(text: string, now: number): number {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return now - Number(amount) * (unitMs[unit] as number);
  const micros = parseTimestamp(text);
  if (micros !== undefined) return Math.floor(micros / 1000);
  throw new IndelibleError("ERR_CONFIG", `${text} is neither a duration nor a timestamp`, {
    hint: "Give 30m, 12h or 7d, or RFC 3339 with an offset, such as 2026-01-31T09:30:00Z.",
  });
}
