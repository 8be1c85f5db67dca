import { InvalidArgumentError } from "commander";

/** Whole days of UTC. */
export interface Period {
  readonly days: number;
  /** The first day, such as 2026-01-25. */
  readonly from: string;
  /** The last day. */
  readonly to: string;
  /** RFC 3339: where the first day begins. */
  readonly since: string;
  /** RFC 3339: where the day behind the last one begins. */
  readonly until: string;
}

const dayMs = 86_400_000;
/** Beyond the longest retention there is nothing. */
const maxDays = 3660;

/** @param lastDay as `dayOption` gives it */
export function periodOf(days: number, lastDay: string): Period {
  const last = Date.parse(lastDay);
  const at = (ms: number): string => new Date(ms).toISOString();
  const since = at(last - (days - 1) * dayMs);
  return { days, from: since.slice(0, 10), to: lastDay, since, until: at(last + dayMs) };
}

/** The day of UTC at `nowMs`, such as 2026-01-31. */
export function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}

/** The value of an option that is a day. @throws InvalidArgumentError */
export function dayOption(text: string): string {
  const ms = /^(?:19|20|21)\d\d-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
  // February 30 is March 2 to some parsers.
  if (Number.isNaN(ms) || dayOf(ms) !== text) throw new InvalidArgumentError("Give a day of UTC, such as 2026-01-31.");
  return text;
}

/** The value of an option that counts days. @throws InvalidArgumentError */
export function daysOption(text: string): number {
  const days = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > maxDays) throw new InvalidArgumentError(`A whole number from 1 to ${maxDays}.`);
  return days;
}
