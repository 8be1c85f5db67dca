const datePattern = /^(\d{4})-(\d{1,2})-(\d{1,2})/;
const timePattern = /^[Tt ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?/;
const offsetPattern = /^ ?(?:([Zz]|UTC)|([+-])(\d{1,2})(?::?(\d{2}))?)$/;

const dayMs = 86_400_000;

/** A date as days since 1970-01-01, or undefined where the text is no date of the years 0001 to 9999. */
export function parseDate(text: string): number | undefined {
  const read = readDate(text);
  return read?.rest === "" ? read.days : undefined;
}

/** A DATETIME as microseconds since 1970-01-01T00:00:00 of its own clock, or undefined. */
export function parseDatetime(text: string): bigint | undefined {
  const read = readDatetime(text);
  return read?.rest === "" ? read.micros : undefined;
}

/**
 * A TIMESTAMP as microseconds since the epoch. The zone is `Z`, `UTC`, an offset such as `+05:30`, or left out (UTC).
 * Undefined for all other texts, those with a named zone and those with more than six decimals among them.
 */
export function parseTimestamp(text: string): bigint | undefined {
  const read = readDatetime(text);
  if (!read) return undefined;
  if (read.rest === "") return read.micros;
  const zone = offsetPattern.exec(read.rest);
  if (!zone) return undefined;
  if (zone[1] !== undefined) return read.micros;
  const minutes = Number(zone[3]) * 60 + Number(zone[4] ?? 0);
  if (minutes > 14 * 60 || Number(zone[4] ?? 0) > 59) return undefined;
  const offsetMicros = BigInt(minutes) * 60_000_000n;
  return zone[2] === "-" ? read.micros + offsetMicros : read.micros - offsetMicros;
}

function readDatetime(text: string): { micros: bigint; rest: string } | undefined {
  const date = readDate(text);
  if (!date) return undefined;
  const midnight = BigInt(date.days) * BigInt(dayMs) * 1000n;
  const time = timePattern.exec(date.rest);
  if (!time) return { micros: midnight, rest: date.rest };
  const [hours, minutes, seconds] = [Number(time[1]), Number(time[2]), Number(time[3])];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const fraction = BigInt((time[4] ?? "").padEnd(6, "0"));
  const micros = midnight + BigInt(hours * 3600 + minutes * 60 + seconds) * 1_000_000n + fraction;
  return { micros, rest: date.rest.slice(time[0].length) };
}

function readDate(text: string): { days: number; rest: string } | undefined {
  const match = datePattern.exec(text);
  if (!match) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return { days: date.getTime() / dayMs, rest: text.slice(match[0].length) };
}
