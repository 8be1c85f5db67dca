/** Thoughts that are too sure, dead letters of them, and what their tests do again and again. */
import assert from "node:assert/strict";
import type { Event } from "@indelible/schemas/tables.ts";
import type { Patch } from "rfc6902";
import type { State } from "../../cli/dlq/letter.ts";
import { replayLetters, type ReplayOptions, type ReplayResult } from "../../cli/dlq/replay-job.ts";
import { Run, type Reviewer } from "../../cli/dlq/reviews.ts";
import { select, type Surveyed } from "../../cli/dlq/survey.ts";
import { DeadLetterWorld } from "./dlq-world.ts";

export const signal: AbortSignal = new AbortController().signal;
export const reviewer: Reviewer = { name: "ops@desk", note: undefined, run: new Run() };
export const fix: Patch = [{ op: "replace", path: "/confidence_level", value: 1 }];
export const thought = (n: number, more: Event = {}): Event => ({
  thinking_id: `t${n}`,
  conversation_id: "c1",
  business_id: "acme",
  agent_position: "CFO",
  timestamp: "2026-01-31T09:30:00Z",
  confidence_level: 1.7,
  log_id: `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`,
  ...more,
});

/** A world with `count` dead letters of thoughts that are too sure, sent as one message. */
export function worldWith(count: number): DeadLetterWorld {
  const world = new DeadLetterWorld();
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify(thought(n)));
  world.send("thinking_logs", lines.join("\n"), { format: "ndjson", team: "finance" });
  assert.equal(world.deadLetters.length, count);
  return world;
}

export function chosen(world: DeadLetterWorld, ...states: State[]): Promise<Surveyed[]> {
  const wanted: State[] = states.length === 0 ? ["open", "replaying"] : states;
  return select(world, { filter: {}, states: wanted, limit: 1000, newestFirst: false });
}

export async function replay(
  world: DeadLetterWorld,
  patch?: Patch,
  options: Partial<ReplayOptions> & { force?: boolean } = {},
): Promise<ReplayResult> {
  const { force = false, ...rest } = options;
  const defaults = { reviewer, ratePerSecond: 2, signal, onProgress: () => {} };
  return replayLetters(world.desk, await chosen(world), { patch, force }, { ...defaults, ...rest });
}

export async function statesOf(world: DeadLetterWorld): Promise<{ [state in State]?: number }> {
  const all = await chosen(world, "open", "replaying", "replayed", "failed-again", "discarded");
  const counts: { [state in State]?: number } = {};
  for (const { status } of all) counts[status.state] = (counts[status.state] ?? 0) + 1;
  return counts;
}

export class Killed extends Error {}
