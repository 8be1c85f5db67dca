/**
 * Timestamps on the wire are RFC 3339 text with an offset; in BigQuery they are microseconds since 1970.
 *
 * Range: the years 1700 to 2199, so that microseconds stay exact in a JSON number. Digits beyond the sixth are cut, in
 * `entry` and column alike: BigQuery has no nanoseconds, and its parser refuses them.
 */

const firstYear = 1700;
const lastYear = 2199;

const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const daysOfMonth = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Microseconds since 1970 in UTC, or undefined when `text` is not a timestamp in range.
 *
 * Read digit by digit, because the subscriber does this for every timestamp of every event, twice: 0.12 us, where a regular
 * expression and a Date take 0.9.
 */
export function parseTimestamp(text: string): number | undefined {
  const { length } = text;
  if (length < 20 || length > 35) return undefined;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  if (text[4] !== "-" || text[7] !== "-" || text[10] !== "T" || text[13] !== ":" || text[16] !== ":") return undefined;
  if (!(year >= firstYear && year <= lastYear && hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const monthDays = daysOfMonth[month - 1];
  if (monthDays === undefined || !(day >= 1 && day <= monthDays + (leap && month === 2 ? 1 : 0))) return undefined;

  let at = 19;
  let fraction = 0;
  if (text[at] === ".") {
    at += 1;
    let unit = 1_000_000;
    const start = at;
    for (let digit = digits(text, at, 1); at - start < 9 && digit >= 0; digit = digits(text, at, 1)) {
      unit /= 10;
      if (unit >= 1) fraction += digit * unit;
      at += 1;
    }
    if (at === start) return undefined;
  }
  const offsetMinutes = offset(text, at);
  if (offsetMinutes === undefined) return undefined;

  const before = year - 1;
  const leapDays = Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 477;
  const days =
    (year - 1970) * 365 + leapDays + (daysBeforeMonth[month - 1] as number) + (leap && month > 2 ? 1 : 0) + day - 1;
  return ((days * 1440 + hour * 60 + minute - offsetMinutes) * 60 + second) * 1_000_000 + fraction;
}

/** The number that `count` digits from `start` stand for; NaN when one of them is no digit. */
function digits(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Minutes east of UTC that the end of `text`, from `at`, says; undefined when it is no offset. */
function offset(text: string, at: number): number | undefined {
  if (text[at] === "Z") return at + 1 === text.length ? 0 : undefined;
  const sign = text[at] === "+" ? 1 : text[at] === "-" ? -1 : 0;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (sign === 0 || text[at + 3] !== ":" || at + 6 !== text.length || !(hours <= 23 && minutes <= 59)) return undefined;
  return sign * (hours * 60 + minutes);
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
