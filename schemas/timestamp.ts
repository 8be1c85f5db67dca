/**
 * Timestamps on the wire are RFC 3339 text with an offset; in BigQuery they are microseconds since 1970.
 *
 * Range: the years 1700 to 2199, so that microseconds stay exact in a JSON number. Digits beyond the sixth are cut, in
 * `entry` and column alike: BigQuery has no nanoseconds, and its parser refuses them.
 */

const pattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
const firstYear = 1700;
const lastYear = 2199;

/** Microseconds since 1970 in UTC, or undefined when `text` is not a timestamp in range. */
export function parseTimestamp(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6]);
  if (year < firstYear || year > lastYear || hour > 23 || minute > 59 || second > 59) return undefined;
  const milliseconds = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(milliseconds);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  let micros = milliseconds * 1000;
  if (match[7] !== undefined) micros += Number(match[7].slice(0, 6).padEnd(6, "0"));
  if (match[8] !== undefined) {
    const offsetHours = Number(match[9]);
    const offsetMinutes = Number(match[10]);
    if (offsetHours > 23 || offsetMinutes > 59) return undefined;
    const offset = (offsetHours * 60 + offsetMinutes) * 60_000_000;
    micros += match[8] === "+" ? -offset : offset;
  }
  return micros;
}

/** RFC 3339 text in UTC, with six digits: what a subscriber writes. `micros` is a whole number. */
export function formatTimestamp(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = micros - seconds * 1_000_000;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(fraction).padStart(6, "0")}Z`;
}

/** `text`, a valid timestamp, with at most six digits of a second. */
export function truncateToMicros(text: string): string {
  return text.length <= 27 ? text : text.replace(/(\.\d{6})\d+/, "$1");
}
