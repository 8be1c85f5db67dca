/** Things that go on for a while. Nothing is updated: each change is a further entry with the same identity. */
import type { Event } from "@indelible/schemas/tables.ts";
import type { Fields, Further } from "./fields.ts";
import type { Complete, Context, Draft, Recorder } from "./recorder.ts";

/** An action that has begun. */
export interface Action {
  /** The `action_id`. */
  readonly id: string;
  /** Fills in `completed_at` (now) and `duration_ms` (left out if the clock went back). */
  end(fields?: Further<"action_logs", "action_id">): string;
}

/** An escalation that was raised. */
export interface Escalation {
  /** The `escalation_id`. */
  readonly id: string;
  /** Fills in `acknowledged_at` (now). */
  acknowledge(fields?: Further<"escalation_logs", "escalation_id">): string;
  /** Fills in `resolved_at` (now), and `sla_met` if an `sla_target` was given here or at the start. */
  resolve(fields?: Further<"escalation_logs", "escalation_id">): string;
}

/** What the end of a conversation takes over from its start, and how long that was. */
export function completeConversation(started: Event): Complete {
  const carried = pick(started, ["conversation_id", "business_id", "agent_position", "started_at"]);
  return (draft, now) => {
    fillFrom(carried, draft);
    draft["ended_at"] ??= now;
    draft["duration_seconds"] ??= durationIn(1000, draft["started_at"], draft["ended_at"]);
  };
}

export function startAction(record: Recorder, context: Context, fields: Fields<"action_logs">): Action {
  const started = record.begin("action_logs", context, fields);
  const carried = pick(started, ["action_id", "business_id", "agent_position", "conversation_id", "started_at"]);
  return {
    id: carried["action_id"] as string,
    end: (further = {}) =>
      logIdOf(
        record.begin("action_logs", context, further, (draft, now) => {
          fillFrom(carried, draft);
          draft["completed_at"] ??= now;
          draft["duration_ms"] ??= durationIn(1, draft["started_at"], draft["completed_at"]);
        }),
      ),
  };
}

export function startEscalation(record: Recorder, context: Context, fields: Fields<"escalation_logs">): Escalation {
  const started = record.begin("escalation_logs", context, fields);
  const carried = pick(started, [
    "escalation_id",
    "business_id",
    "source_agent",
    "source_conversation_id",
    "escalated_at",
  ]);
  const target = started["sla_target"];
  return {
    id: carried["escalation_id"] as string,
    acknowledge: (further = {}) =>
      logIdOf(
        record.begin("escalation_logs", context, further, (draft, now) => {
          fillFrom(carried, draft);
          draft["acknowledged_at"] ??= now;
        }),
      ),
    resolve: (further = {}) =>
      logIdOf(
        record.begin("escalation_logs", context, further, (draft, now) => {
          fillFrom(carried, draft);
          draft["resolved_at"] ??= now;
          draft["sla_met"] ??= isInTime(draft["resolved_at"], draft["sla_target"] ?? target);
        }),
      ),
  };
}

function pick(event: Event, columns: readonly string[]): Event {
  return Object.fromEntries(columns.map((column) => [column, event[column]]));
}

function fillFrom(carried: Event, draft: Draft): void {
  for (const column in carried) draft[column] ??= carried[column];
}

/**
 * Whole units of `unitMs` between two timestamps; undefined if either cannot be read or the end is before the start.
 */
function durationIn(unitMs: number, start: unknown, end: unknown): number | undefined {
  const durationMs = msOf(end) - msOf(start);
  return durationMs >= 0 ? Math.floor(durationMs / unitMs) : undefined;
}

function isInTime(resolvedAt: unknown, target: unknown): boolean | undefined {
  const leftMs = msOf(target) - msOf(resolvedAt);
  return Number.isNaN(leftMs) ? undefined : leftMs >= 0;
}

function msOf(timestamp: unknown): number {
  if (timestamp instanceof Date) return timestamp.getTime();
  return typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
}

function logIdOf(event: Event): string {
  return event["log_id"] as string;
}
