import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { StatusError } from "./status.ts";

/** Milliseconds since 1970. Tests put their own in its place. */
export type Clock = () => number;

export function durationMs(duration: google.protobuf.IDuration): number {
  return Number(duration.seconds ?? 0) * 1000 + Math.trunc((duration.nanos ?? 0) / 1e6);
}

/** Milliseconds, rounded down to whole ones. @throws {StatusError} INVALID_ARGUMENT when it is no time. */
export function timestampMs(timestamp: google.protobuf.ITimestamp): number {
  const ms = Number(timestamp.seconds ?? 0) * 1000 + Math.floor((timestamp.nanos ?? 0) / 1e6);
  if (!Number.isSafeInteger(ms)) throw new StatusError("INVALID_ARGUMENT", "The time is not a valid timestamp.");
  return ms;
}

/** The one shape that protobuf's Duration and Timestamp share. `ms` is not negative. */
export function toSecondsAndNanos(ms: number): { seconds: number; nanos: number } {
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 };
}
