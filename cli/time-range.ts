import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { InvalidArgumentError } from "commander";

const unitMs: { readonly [unit: string]: number } = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Numbers of publishers behind which another one came this lately may still be on their way. */
export const SETTLED_AGE = "5m";

/** What times may look like, for messages. */
export const MOMENT_FORM = "30m, 2h or 7d, or RFC 3339 with an offset, such as 2026-01-31T09:30:00Z";

/** Microseconds since 1970: so long before `nowMs`, or a timestamp. Undefined when `text` is neither. */
function momentOf(text: string, nowMs: number): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? parseTimestamp(text) : (nowMs - Number(amount) * (unitMs[unit] as number)) * 1000;
}

/**
 * The time that an option gives, in microseconds since 1970: a duration before now (`30m`, `12h`, `7d`) or RFC 3339.
 *
 * @param option its name, for the message, such as `--since`
 * @throws ERR_CONFIG
 */
export function timeOf(option: string, text: string, nowMs: number): number {
  const micros = momentOf(text, nowMs);
  if (micros !== undefined) return micros;
  throw new IndelibleError("ERR_CONFIG", `${option} ${text} is neither a duration nor a timestamp`, {
    hint: `Give ${MOMENT_FORM}.`,
  });
}

/** The value of an option that is a time: microseconds since 1970 of a duration before now or of RFC 3339. @throws InvalidArgumentError */
export function timeOption(text: string): number {
  const micros = momentOf(text, Date.now());
  if (micros !== undefined) return micros;
  throw new InvalidArgumentError(`It is neither a duration nor a timestamp. Give ${MOMENT_FORM}.`);
}

/** The value of an option that is a duration in whole seconds. @throws InvalidArgumentError */
export function secondsOption(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("Whole seconds.");
  return Number(text);
}
