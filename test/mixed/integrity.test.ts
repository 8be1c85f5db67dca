import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { rowsOf, type PlainRow } from "../../cli/warehouse.ts";
import { RawWarehouse } from "../e2e/raw-warehouse.ts";
import { bring, mixed, type Arrival, type Logged } from "./mixed-log.ts";
import { sources } from "./mixed-sources.ts";

const publishers = 3;
const dayMicros = 86_400_000_000;

/** Numbered as publishers do, and then some lost: three in a row, and one here and there. */
function numbered(events: readonly Logged[]): Logged[] {
  return events
    .map(({ table, event }, index) => {
      const numbers = { publisher_id: `publisher-${index % publishers}`, seq: Math.floor(index / publishers) + 1 };
      return { table, event: { ...event, ...numbers } };
    })
    .filter(({ event: { seq } }) => seq % 11 !== 4 && !(seq > 15 && seq < 19) && seq > 1);
}

/** Yesterday, because gaps of long ago are not told: the rows of then have expired. */
function recent(arrivals: readonly Arrival[]): Arrival[] {
  const latest = Math.max(...arrivals.map(({ publishedAt }) => publishedAt));
  const shift = Math.floor((Date.now() * 1000 - dayMicros - latest) / dayMicros) * dayMicros;
  return arrivals.map((arrival) => ({ ...arrival, publishedAt: arrival.publishedAt + shift }));
}

const micros = (time: unknown): number => Date.parse(String(time)) * 1000;

/** When each number was published first; nothing here knows SQL. */
function numbersOf(arrivals: readonly Arrival[]): Map<string, Map<number, number>> {
  const numbers = new Map<string, Map<number, number>>();
  for (const { event, publishedAt } of arrivals) {
    if (event["seq"] === undefined) continue;
    const publisher = String(event["publisher_id"]);
    const seq = Number(event["seq"]);
    const of = numbers.get(publisher) ?? new Map<number, number>();
    of.set(seq, Math.min(of.get(seq) ?? Infinity, publishedAt));
    numbers.set(publisher, of);
  }
  return numbers;
}

function gapsOf(arrivals: readonly Arrival[]): unknown[] {
  return [...numbersOf(arrivals)].flatMap(([publisher, times]) => {
    const gaps: unknown[] = [];
    for (let first = 1; first < Math.max(...times.keys()); first += 1) {
      if (times.has(first)) continue;
      let last = first;
      while (!times.has(last + 1)) last += 1;
      gaps.push([publisher, first, last, last - first + 1, times.get(first - 1) ?? null, times.get(last + 1)]);
      first = last;
    }
    return gaps;
  });
}

function conflictsOf(arrivals: readonly Arrival[]): unknown[] {
  const copies = Map.groupBy(arrivals, ({ table, event }) => `${table} ${String(event["log_id"])}`);
  return [...copies].flatMap(([key, of]) => {
    const contents = new Set(of.map(({ event }) => JSON.stringify(event)));
    return contents.size > 1 ? [[key, contents.size, Math.min(...of.map(({ publishedAt }) => publishedAt))]] : [];
  });
}

const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();

for (const { name, skip, events } of sources) {
  describe(
    `where the log is not whole, of ${name} with duplicates, conflicts, late entries and in any order`,
    { skip },
    () => {
      let warehouse: RawWarehouse;
      let arrivals: Arrival[];
      before(async () => {
        arrivals = recent(mixed(numbered(await events()), 6));
        warehouse = await RawWarehouse.open("integrity-test");
        await bring(warehouse, arrivals);
      });
      after(() => warehouse?.close());

      const view = (of: string): Promise<PlainRow[]> => rowsOf(warehouse, { query: `SELECT * FROM ${of}` });

      it("conflicts has each identity with different content, how many contents, and the time of the first", async () => {
        const rows = await view("conflicts");
        const found = rows.map((row) => [
          `${row["table_name"]} ${row["log_id"]}`,
          row["entries"],
          micros(row["first_published_at"]),
        ]);
        assert.deepEqual(sorted(found), sorted(conflictsOf(arrivals)));
        assert.ok(rows.length > 1);
      });

      it("sequence_numbers has each number once, with the first time that it was published", async () => {
        const rows = await view("sequence_numbers");
        const found = rows.map((row) => [row["publisher_id"], row["seq"], micros(row["published_at"])]);
        const expected = [...numbersOf(arrivals)].flatMap(([publisher, times]) =>
          [...times].map(([seq, time]) => [publisher, seq, time]),
        );
        assert.deepEqual(sorted(found), sorted(expected));
      });

      it("sequence_gaps has each range of numbers that nobody has, between the times of its neighbours", async () => {
        const rows = await view("sequence_gaps");
        const found = rows.map((row) => [
          row["publisher_id"],
          row["first_missing"],
          row["last_missing"],
          row["missing"],
          row["seen_before"] === null ? null : micros(row["seen_before"]),
          micros(row["seen_after"]),
        ]);
        assert.deepEqual(sorted(found), sorted(gapsOf(arrivals)));
        assert.ok(rows.length > 6);
      });
    },
  );
}
