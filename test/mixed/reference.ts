/** What the views must say, computed from what came in, in the plainest way: nothing here knows SQL. */
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import type { Arrival } from "./mixed-log.ts";

export interface HistoryRow {
  readonly event: Event;
  readonly publishedAt: number;
  readonly conflict: boolean;
}

/** Every entry of `table` once, by `log_id`: the copy that was published first. */
export function historyOf(arrivals: readonly Arrival[], table: TableName): Map<string, HistoryRow> {
  const copies = Map.groupBy(
    arrivals.filter((arrival) => arrival.table === table),
    ({ event }) => String(event["log_id"]),
  );
  return new Map(
    [...copies].map(([logId, ofEntry]) => {
      const [first] = ofEntry.toSorted((a, b) => a.publishedAt - b.publishedAt);
      if (first === undefined) throw new Error("a group has a member");
      const contents = new Set(ofEntry.map(({ event }) => JSON.stringify(event)));
      return [logId, { event: first.event, publishedAt: first.publishedAt, conflict: contents.size > 1 }];
    }),
  );
}

/** Each entity of `table` once, by its identity: of each column the latest value that is there. With `entries`, how many there are. */
export function entitiesOf(arrivals: readonly Arrival[], table: TableName): Map<string, Event> {
  const { entity, columns } = tables[table];
  const rows = [...historyOf(arrivals, table).values()].toSorted(earlierFirst);
  const entities = new Map<string, Event>();
  for (const { event } of rows) {
    const id = String(event[entity]);
    const before = entities.get(id);
    const latest: Record<string, unknown> = { ...before, entries: Number(before?.["entries"] ?? 0) + 1 };
    for (const name of Object.keys(columns)) {
      const value = event[name];
      const isEmpty = value === undefined || value === null || (Array.isArray(value) && value.length === 0);
      if (!isEmpty) latest[name] = value;
    }
    entities.set(id, latest as Event);
  }
  return entities;
}

function earlierFirst(a: HistoryRow, b: HistoryRow): number {
  const [seqA, seqB] = [a, b].map(({ event }) => Number(event["seq"] ?? -1)) as [number, number];
  const [idA, idB] = [String(a.event["log_id"]), String(b.event["log_id"])];
  return loggedAt(a) - loggedAt(b) || seqA - seqB || (idA < idB ? -1 : 1);
}

/** Microseconds since 1970. */
function loggedAt({ event, publishedAt }: HistoryRow): number {
  const logged = event["logged_at"];
  return typeof logged === "string" ? Date.parse(logged) * 1000 : publishedAt;
}

/** A value without what the warehouse adds or writes differently: no nulls, no empty arrays, times in milliseconds. */
export function comparable(value: unknown): unknown {
  if (typeof value === "string")
    return /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value) ? Date.parse(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(comparable);
  return Object.fromEntries(
    Object.entries(value)
      .filter(
        ([, member]) => member !== null && member !== undefined && !(Array.isArray(member) && member.length === 0),
      )
      .map(([name, member]) => [name, comparable(member)]),
  );
}
