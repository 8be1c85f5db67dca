import { formatTimestamp, parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { JsonObject } from "../json.ts";
import type { Run } from "./transcript.ts";

/** When each message of a run was. */
export interface RunTimes {
  /** RFC 3339 in UTC. */
  readonly startedAt: string;
  at(index: number): string;
  /** Milliseconds from one message to a later one; undefined when the transcript does not say. */
  elapsedMs(from: number, to: number): number | undefined;
}

const timeFields = ["timestamp", "created_at", "created", "started_at"];
/** Numbers above this are milliseconds (1973 at the earliest), below it seconds (until the year 5138). */
const millisecondsFrom = 100_000_000_000;
const secondMicros = 1_000_000;

/**
 * The times of a run's messages: their own where they have one; otherwise one second after the message before, from the
 * run's own time, else from `startedAt`. The order of messages is kept even when their times contradict it.
 *
 * @param startedAt microseconds since 1970, for runs that give no time
 */
export function timesOf({ fields, messages }: Run, startedAt: number): RunTimes {
  const own = messages.map(timeIn);
  const start = timeIn(fields) ?? own[0] ?? startedAt;
  let last = start - secondMicros;
  const times = own.map((time) => (last = Math.max(time ?? last + secondMicros, last)));
  return {
    startedAt: formatTimestamp(Math.min(start, times[0] ?? start)),
    at: (index) => formatTimestamp(times[index] ?? start),
    elapsedMs(from, to) {
      const [begin, end] = [own[from], own[to]];
      return begin === undefined || end === undefined || end < begin ? undefined : Math.floor((end - begin) / 1000);
    },
  };
}

/** The time that an object gives, in microseconds since 1970: Unix time or RFC 3339 text. */
function timeIn(object: JsonObject): number | undefined {
  for (const name of timeFields) {
    const value = object[name];
    const micros =
      typeof value === "number" ? fromUnix(value) : typeof value === "string" ? parseTimestamp(value) : undefined;
    if (micros !== undefined) return micros;
  }
  return undefined;
}

/** Undefined outside the years 1970 to 2199. */
function fromUnix(time: number): number | undefined {
  const micros = Math.round(time >= millisecondsFrom ? time * 1000 : time * secondMicros);
  return micros >= 0 && micros < 7_258_118_400_000_000 ? micros : undefined;
}
