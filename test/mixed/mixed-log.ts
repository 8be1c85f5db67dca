import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { parts } from "../../cli/delivery/warehouse.ts";
import type { Entry } from "../../cli/delivery/entries.ts";
import { transcriptEntries } from "../../cli/import/source.ts";
import type { ImportOptions } from "../../cli/import/mapping.ts";
import { Tally } from "../../cli/import/tally.ts";
import { sampleDay } from "../../cli/sample/day.ts";
import { seededRandom } from "../../local/random.ts";
import { shuffled } from "../chaos/monkey.ts";
import type { RawWarehouse } from "../e2e/raw-warehouse.ts";

/** One copy of an entry, as it comes in. */
export interface Arrival {
  readonly table: TableName;
  /** Microseconds since 1970; no two copies of an entry have the same. */
  readonly publishedAt: number;
  readonly event: Event;
}

export type Logged = Pick<Arrival, "table" | "event">;

/** With its previews cut, as the publisher does. */
function loggedOf({ table, event }: Entry): Logged {
  const cut = Object.entries(event).map(([name, value]): [string, unknown] =>
    name.endsWith("_preview") && typeof value === "string" ? [name, value.slice(0, 500)] : [name, value],
  );
  return { table, event: Object.fromEntries(cut) };
}

/** The sample company's day, without the event that is broken on purpose. */
export function sampleEvents(day: string): Logged[] {
  return sampleDay(day)
    .map(loggedOf)
    .filter(({ event }) => Number(event["confidence_level"] ?? 0) <= 1);
}

/** Runs of the airline's agent, as `indelible import` makes entries of them. */
export async function airlineEvents(path: string, maxRuns: number): Promise<Logged[]> {
  const options: ImportOptions = {
    businessId: "airline",
    agentPosition: "support",
    serverName: "airline",
    startedAt: Date.parse("2026-01-31T12:00:00Z") * 1000,
    modelProvider: "openai",
    modelName: "gpt-4o",
  };
  const events: Logged[] = [];
  const conversations = new Set<unknown>();
  for await (const entry of transcriptEntries([path], options, new Tally())) {
    const logged = loggedOf(entry);
    conversations.add(logged.event["conversation_id"]);
    if (conversations.size > maxRuns) break;
    events.push(logged);
  }
  return events;
}

/**
 * What pipelines do to a log, to `events` of any table: copies that come again (some of them published before the first one that came),
 * copies with other content, entries that come late and correct what there was or are older than it, without a time of their own, or in any
 * order. The same each time.
 */
export function mixed(events: readonly Logged[], seed: number): Arrival[] {
  const random = seededRandom(seed, "mixed");
  const base = Date.parse("2026-02-01T00:00:00Z") * 1000;
  let clock = base;
  const arrivals: Arrival[] = [];
  const arrive = (table: TableName, event: Event): void => {
    // Whole milliseconds, so that a test's own arithmetic on Date is exact.
    clock += 1000 * (1 + Math.floor(random() * 1000));
    arrivals.push({ table, publishedAt: clock, event });
  };
  for (const [index, { table, event }] of events.entries()) {
    const copies = [event];
    if (random() < 0.15) copies.push(event);
    if (random() < 0.05) copies.push({ ...event, ...changed(table, index) });
    if (random() < 0.2) copies.push(further(table, event, index, random()));
    for (const copy of shuffled(copies, random)) arrive(table, copy);
  }
  return shuffled(arrivals, random);
}

/** Other content for the same columns. */
function changed(table: TableName, index: number): Event {
  const columns: object = tables[table].columns;
  return {
    ...("cost_usd" in columns && { cost_usd: (index + 1) / 1000 }),
    ...("agent_position" in columns && { agent_position: `other-${index % 3}` }),
    ...("source_agent" in columns && { source_agent: `other-${index % 3}` }),
  };
}

/** What was logged as a change of a file was a call of a tool, or the other way round; what it cost was said before. */
function retyped(table: TableName, { action_type: type }: Event, index: number): Event {
  if (table !== "action_logs" || index % 2 > 0) return {};
  return { action_type: type === "mcp_call" ? "file_write" : "mcp_call", cost_usd: undefined };
}

/** A further entry of the same entity: newer, older, or by no clock but Pub/Sub's. */
function further(table: TableName, event: Event, index: number, chance: number): Event {
  const { logged_at: loggedAt, seq: _seq, publisher_id: publisher, ...rest } = event;
  const shift = chance < 0.1 ? 3_600_000 : -3_600_000;
  const at = new Date(Date.parse(String(loggedAt ?? "2026-01-31T12:00:00Z")) + shift).toISOString();
  const optional = Object.entries(tables[table].columns).filter(([, column]) => !("required" in column));
  const kept = Object.fromEntries(
    optional.filter((_, position) => (position + index) % 3 > 0).map(([name]) => [name, undefined]),
  );
  return {
    ...rest,
    ...kept,
    // Whoever reports a read must say who he is.
    ...(table === "log_access_audit" && { publisher_id: publisher }),
    ...changed(table, index),
    ...retyped(table, event, index),
    log_id: `00000000-0000-7000-9000-${String(index).padStart(12, "0")}`,
    ...(chance > 0.15 ? {} : { logged_at: at }),
  };
}

/** Brings `arrivals` in, each as a message of its own, some at a time. */
export async function bring(warehouse: RawWarehouse, arrivals: readonly Arrival[]): Promise<void> {
  for (const some of parts(arrivals, 50))
    await Promise.all(some.map(({ table, publishedAt, event }) => warehouse.write(table, publishedAt, event)));
}
