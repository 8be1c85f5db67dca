import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { StatusError } from "./status.ts";
import { durationMs } from "./time.ts";

const MAX_LABELS = 64;

/** Whether a field of a request says anything: proto3 cannot tell "absent" from "empty". */
function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

/**
 * Refuses options that this broker does not have: what is ignored in silence would only show in the cloud.
 * @throws {StatusError} UNIMPLEMENTED naming the option.
 */
export function refuseOptions(unsupported: Record<string, unknown>): void {
  for (const [option, value] of Object.entries(unsupported)) {
    if (isGiven(value)) throw new StatusError("UNIMPLEMENTED", `This broker does not support ${option}: leave it out.`);
  }
}

/** `duration` in milliseconds, `defaultMs` when it is absent. @throws {StatusError} INVALID_ARGUMENT out of range. */
export function rangedDurationMs(
  option: string,
  duration: google.protobuf.IDuration | null | undefined,
  range: { defaultMs: number; minMs: number; maxMs: number },
): number {
  if (duration === null || duration === undefined) return range.defaultMs;
  const ms = durationMs(duration);
  if (ms < range.minMs || ms > range.maxMs) {
    throw new StatusError(
      "INVALID_ARGUMENT",
      `${option} must be between ${range.minMs / 1000} s and ${range.maxMs / 1000} s, not ${ms / 1000} s.`,
    );
  }
  return ms;
}

/** @throws {StatusError} INVALID_ARGUMENT */
export function checkLabels(labels: Record<string, string> | null | undefined): Record<string, string> {
  const checked = labels ?? {};
  if (Object.keys(checked).length > MAX_LABELS) {
    throw new StatusError("INVALID_ARGUMENT", `At most ${MAX_LABELS} labels are allowed.`);
  }
  return checked;
}

/**
 * `current` with the fields that `mask` names taken from `update`; a field that `update` lacks becomes absent.
 * @throws {StatusError} INVALID_ARGUMENT for an empty mask, a nested path or a field not in `mutable`.
 */
export function applyMask<Resource extends object>(
  current: Resource,
  update: Resource,
  mask: google.protobuf.IFieldMask | null | undefined,
  mutable: ReadonlySet<string>,
): Resource {
  const paths = mask?.paths ?? [];
  if (paths.length === 0) throw new StatusError("INVALID_ARGUMENT", "The update_mask must name at least one field.");
  const merged = { ...current };
  for (const path of paths) {
    const field = path.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!mutable.has(field)) {
      throw new StatusError(
        "INVALID_ARGUMENT",
        `The update_mask path ${JSON.stringify(path)} cannot be updated here; possible are ${[...mutable].join(", ")}.`,
      );
    }
    const key = field as keyof Resource;
    delete merged[key];
    if (update[key] !== undefined) merged[key] = update[key];
  }
  return merged;
}
