const MICROS_PER_DAY = 86_400_000_000n;
const MICROS_PER_SECOND = 1_000_000n;
/** 0001-01-01 and 9999-12-31, in days since 1970: the range of BigQuery's DATE, DATETIME and TIMESTAMP. */
export const MIN_DAY = -719_162;
export const MAX_DAY = 2_932_896;
export const MIN_MICROS: bigint = BigInt(MIN_DAY) * MICROS_PER_DAY;
export const MAX_MICROS: bigint = BigInt(MAX_DAY + 1) * MICROS_PER_DAY - 1n;

const datePattern = /^(\d{4})-(\d{1,2})-(\d{1,2})$/;
const datetimePattern = /^(\d{4}-\d{1,2}-\d{1,2})(?:[ Tt](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,6}))?)?$/;
const zonePattern = /^(.*?)\s*(?:([Zz]|UTC)|([+-])(\d{1,2})(?::?(\d{2}))?)$/;

/** Days since 1970 of `YYYY-MM-DD`; undefined when it is not a date. */
export function parseDate(text: string): number | undefined {
  const match = datePattern.exec(text);
  if (match === null) return undefined;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (year < 1 || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return Math.floor(date.getTime() / 86_400_000);
}

/** Microseconds since 1970 of `YYYY-MM-DD[ |T]HH:MM:SS[.ffffff]`, read as UTC; undefined when it is not a datetime. */
export function parseDatetime(text: string): bigint | undefined {
  const match = datetimePattern.exec(text);
  const days = match?.[1] === undefined ? undefined : parseDate(match[1]);
  if (match === null || days === undefined) return undefined;
  const [hours, minutes, seconds] = [Number(match[2] ?? 0), Number(match[3] ?? 0), Number(match[4] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const secondOfDay = BigInt(hours * 3600 + minutes * 60 + seconds);
  return BigInt(days) * MICROS_PER_DAY + secondOfDay * MICROS_PER_SECOND + BigInt((match[5] ?? "").padEnd(6, "0"));
}

/** Like `parseDatetime`, with `Z`, `UTC` or an offset at the end; with none it is UTC. */
export function parseTimestamp(text: string): bigint | undefined {
  const zoned = text.includes(":") ? zonePattern.exec(text) : null;
  const micros = parseDatetime(zoned?.[1] ?? text);
  if (micros === undefined || zoned?.[3] === undefined) return micros;
  const offsetMinutes = Number(zoned[4]) * 60 + Number(zoned[5] ?? 0);
  const offset = BigInt(offsetMinutes) * 60n * MICROS_PER_SECOND;
  return zoned[3] === "+" ? micros - offset : micros + offset;
}

/** `YYYY-MM-DD` */
export function formatDate(days: number): string {
  const date = new Date(days * 86_400_000);
  return `${String(date.getUTCFullYear()).padStart(4, "0")}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
}

/** `YYYY-MM-DDTHH:MM:SS[.ffffff]`: six digits of fraction, or none when it is zero. */
export function formatDatetime(micros: bigint): string {
  const inDay = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  const date = formatDate(Number((micros - inDay) / MICROS_PER_DAY));
  const seconds = Number(inDay / MICROS_PER_SECOND);
  const fraction = inDay % MICROS_PER_SECOND;
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${date}T${time}${fraction === 0n ? "" : `.${String(fraction).padStart(6, "0")}`}`;
}

/** A TIMESTAMP in seconds with all its digits, the way REST v2 writes it by default. */
export function formatEpochSeconds(micros: bigint): string {
  const sign = micros < 0n ? "-" : "";
  const magnitude = micros < 0n ? -micros : micros;
  const fraction = String(magnitude % MICROS_PER_SECOND)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${sign}${magnitude / MICROS_PER_SECOND}.${fraction === "" ? "0" : fraction}`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
