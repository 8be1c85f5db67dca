import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { auditQueriesOf } from "@indelible/schemas/audit-queries.ts";
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import type { Column, Columns } from "@indelible/schemas/columns.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { eventColumns, tableNames, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { truncateToMicros } from "@indelible/schemas/timestamp.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import fc from "fast-check";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "audit-test";
const queries = new Map(auditQueriesOf(projectId).map((query) => [query.name, query]));
const second = 1_000_000;
const publishedAt = 1_780_000_000 * second;

interface Differing {
  readonly log_id: string;
  readonly differing: string;
}

/** A value that the subscriber accepts, as far from the ordinary as it can be. */
function hardValueOf(column: Column): fc.Arbitrary<unknown> {
  switch (column.type) {
    case "string":
      if (column.enum !== undefined) return fc.constantFrom(...column.enum);
      if (column.format === "uuid") return fc.uuid();
      return fc.oneof(
        fc.string({ unit: "binary", maxLength: 30 }),
        fc.constantFrom(
          "",
          "null",
          '"',
          "\\",
          '{"a":1}',
          "[]",
          "true",
          "1e+21",
          "\u0000",
          "\u2028\u007f",
          "é😀",
          "$.a",
        ),
      );
    case "timestamp":
      return fc
        .tuple(
          fc.date({ min: new Date("1700-01-02"), max: new Date("2199-12-30"), noInvalidDate: true }),
          fc.constantFrom("", ".1", ".12", ".123456", ".123456789", ".000001", ".999999999"),
          fc.constantFrom("Z", "+00:00", "-00:00", "+05:30", "-00:30", "+14:00", "-14:00", "+23:59", "-23:59"),
        )
        .map(([date, fraction, offset]) => `${date.toISOString().slice(0, 19)}${fraction}${offset}`);
    case "int64": {
      const [min, max] = [column.minimum ?? Number.MIN_SAFE_INTEGER, column.maximum ?? Number.MAX_SAFE_INTEGER];
      return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max));
    }
    case "float64": {
      const [min, max] = [column.minimum ?? -Number.MAX_VALUE, column.maximum ?? Number.MAX_VALUE];
      const special = [
        0,
        1,
        0.1,
        1e-7,
        1e21,
        1e20,
        123456789012345680000,
        5e-324,
        9007199254740992,
        1.5e300,
        -1e21,
        max,
      ];
      return fc.oneof(
        fc.double({ min, max, noNaN: true }).map((value) => value + 0),
        fc.constantFrom(...special.filter((value) => value >= min && value <= max)),
      );
    }
    case "bool":
      return fc.boolean();
    case "json": {
      const numbers = [1e21, 1e20, 1e-7, 9007199254740992, 18446744073709552000, 0.1, -1.5, 5e-324, 0];
      const leaf = fc.oneof(
        fc.constantFrom(...numbers),
        fc.string({ unit: "binary" }),
        fc.constantFrom(null, true, ""),
      );
      const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
        tree: fc.oneof(
          { maxDepth: 3 },
          leaf,
          fc.array(tie("tree"), { maxLength: 3 }),
          fc.dictionary(fc.string({ unit: "binary", maxLength: 4 }), tie("tree"), { maxKeys: 3 }),
        ),
      }));
      return tree;
    }
    case "array":
      return fc.array(hardValueOf(column.items), { maxLength: 3 });
    case "struct":
      return hardRecordOf(column.fields);
  }
}

function hardRecordOf(columns: Columns): fc.Arbitrary<Event> {
  const members = Object.entries(columns).map(([name, column]) => {
    const value = hardValueOf(column);
    return [name, column.required === true ? value : fc.option(value)] as const;
  });
  const requiredKeys = Object.keys(columns).filter((name) => columns[name]?.required === true);
  return fc.record(Object.fromEntries(members), { requiredKeys });
}

/** Events that the subscriber accepts, as its entries have them. */
function hardEventsOf(table: TableName): fc.Arbitrary<Event> {
  const columns = Object.entries(eventColumns(tables[table]));
  const isAccepted = (event: Event): boolean => {
    try {
      assertEvent(table, event);
      return true;
    } catch {
      return false;
    }
  };
  return hardRecordOf(Object.fromEntries(columns)).filter(isAccepted);
}

/** The event as the entry has it: without what timestamps have beyond microseconds. */
function asEntry(table: TableName, event: Event): Event {
  const columns = eventColumns(tables[table]);
  return Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      columns[name]?.type === "timestamp" && typeof value === "string" ? truncateToMicros(value) : value,
    ]),
  );
}

/** A value of the column that differs from `value`, also where that is missing. */
function otherThan(column: Column, value: unknown): unknown {
  switch (column.type) {
    case "string":
      return value === "forged" ? "other" : "forged";
    case "timestamp":
      return value === "2001-02-03T04:05:06.000007Z" ? "2002-02-03T04:05:06Z" : "2001-02-03T04:05:06.000007Z";
    case "int64":
    case "float64":
      return value === 0.5 || value === 1 ? 0 : column.type === "int64" ? 1 : 0.5;
    case "bool":
      return value !== true;
    case "json":
      return { forged: value ?? null };
    case "array": {
      const items = (value ?? []) as readonly unknown[];
      return [...items, otherThan(column.items, undefined)];
    }
    case "struct":
      return Object.fromEntries(
        Object.entries(column.fields).map(([name, field]) => [name, otherThan(field, undefined)]),
      );
  }
}

describe("the auditors' queries, over rows that the appender wrote", () => {
  const seed = Date.now() % 2 ** 31;
  let warehouse: RawWarehouse;
  const asked = new Set<string>();
  /** What a query answers; it has the columns that it declares. */
  async function ask<Row>(name: string): Promise<Row[]> {
    const { query = "", columns } = queries.get(name) ?? {};
    // A busy machine may take longer than the 10 s after which BigQuery answers without them.
    const [job] = await warehouse.bigquery.createQueryJob(query);
    const [rows, , response] = await job.getQueryResults({ autoPaginate: false, timeoutMs: 120_000 });
    assert.ok(response?.pageToken === undefined, "all of it is on one page");
    const found = response?.schema?.fields?.map((field) => field.name);
    assert.deepEqual(found, columns, name);
    asked.add(name);
    return rows as Row[];
  }

  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
  });
  after(() => warehouse?.close());

  /** Appends rows whose columns are those of one event while the entry is that of another. */
  async function forge(
    table: TableName,
    rows: readonly { readonly stored: Event; readonly said: Event; readonly hash?: string }[],
  ): Promise<void> {
    const pending = rows.map(({ stored, said, hash }) => (ingestedAt: number) => {
      const entry = canonicalizerOf(tables[table])(asEntry(table, said));
      return rowEncoderOf(tables[table])(stored, {
        published_at: publishedAt,
        message_id: "forged",
        ingested_at: ingestedAt,
        schema_version: 1,
        entry,
        entry_hash: hash ?? entryHash(entry),
      });
    });
    assert.deepEqual(await warehouse.appender.append(table, pending), []);
  }

  for (const table of tableNames) {
    it(`${table}: nothing is said against what the subscriber accepts`, async () => {
      const events = fc.sample(hardEventsOf(table), { numRuns: 100, seed });
      // Reads that are reported must say by whom.
      const reported = events.map((event) => ({ ...event, publisher_id: event["publisher_id"] ?? "reporter" }));
      await warehouse.write(table, publishedAt, ...(table === "log_access_audit" ? reported : events));
      const [count] = await warehouse.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${RAW_DATASET}.${table}`);
      assert.ok((count?.n ?? 0) > 90, `seed ${seed}`);
      assert.deepEqual(await ask(`${table}_hashes`), [], `seed ${seed}`);
      assert.deepEqual(await ask(`${table}_projection`), [], `seed ${seed}`);
    });

    it(`${table}: a column that says something else than the entry is named, whichever it is`, async () => {
      const columns = eventColumns(tables[table]);
      const arbitrary = hardEventsOf(table);
      const rows = Object.entries(columns).flatMap(([name, column], index) => {
        const [said] = fc.sample(arbitrary, { numRuns: 1, seed: seed + index }) as [Event];
        const id = (kind: string): string => `forged-${kind}-${name}`;
        const changed = { ...said, log_id: id("changed") };
        const emptied = { ...said, [name]: otherThan(column, undefined), log_id: id("emptied") };
        const forged = [{ said: changed, stored: { ...changed, [name]: otherThan(column, said[name]) }, name }];
        if (column.required === true || name === "log_id") return forged;
        return [...forged, { said: emptied, stored: { ...emptied, [name]: null }, name }];
      });
      await forge(table, rows);
      const found = await ask<Differing>(`${table}_projection`);
      const expected = rows.map(({ stored, name }) => ({ log_id: String(stored["log_id"]), differing: name }));
      const byId = (a: Differing, b: Differing): number => (a.log_id < b.log_id ? -1 : 1);
      assert.deepEqual(
        found.map(({ log_id, differing }) => ({ log_id, differing })).sort(byId),
        expected.sort(byId),
        `seed ${seed}`,
      );
      assert.deepEqual(await ask(`${table}_hashes`), []);
    });

    it(`${table}: an entry that does not have its hash is named, and so are identities with several rows`, async () => {
      const [said] = fc.sample(hardEventsOf(table), { numRuns: 1, seed }) as [Event];
      const [twice, conflicting] = [
        { ...said, log_id: "twice" },
        { ...said, log_id: "conflicting" },
      ];
      const hash = entryHash("something else");
      await forge(table, [
        { said: twice, stored: twice },
        { said: twice, stored: twice },
        { said: conflicting, stored: conflicting },
        { said: conflicting, stored: conflicting, hash },
      ]);
      const wrong = await ask<{ log_id: string; entry_hash: string }>(`${table}_hashes`);
      assert.deepEqual(
        wrong.map(({ log_id, entry_hash }) => ({ log_id, entry_hash })),
        [{ log_id: "conflicting", entry_hash: hash }],
      );
      const duplicates = await ask<{ log_id: string; row_count: number; entries: number; conflict: boolean }>(
        `${table}_duplicates`,
      );
      assert.deepEqual(
        duplicates.map(({ log_id, row_count, entries, conflict }) => ({ log_id, row_count, entries, conflict })),
        [
          { log_id: "conflicting", row_count: 2, entries: 2, conflict: true },
          { log_id: "twice", row_count: 2, entries: 1, conflict: false },
        ],
      );
    });
  }

  it("a field that differs inside an array of structs is a column that differs, and so is the order of the structs", async () => {
    const option = { option: "a", pros: ["x", "y"], cons: [], score: 0.5 };
    const other = { option: 'b","c', score: null };
    const said = {
      decision_id: "d",
      business_id: "acme",
      agent_position: "CFO",
      decided_at: "2026-01-31T09:30:00Z",
      options_evaluated: [option, other],
    };
    const changes: readonly (readonly Event[])[] = [
      [{ ...option, option: "b" }, other],
      [{ ...option, pros: ["x,y"] }, other],
      [{ ...option, pros: ["y", "x"] }, other],
      [{ ...option, cons: [""] }, other],
      [{ ...option, score: 0.25 }, other],
      [{ ...option, score: null }, other],
      [option, { option: "b", pros: ["c"] }],
      [other, option],
      [option],
      [],
    ];
    const rows = changes.map((options, index) => {
      const identified = { ...said, log_id: `struct-${index}` };
      return { said: identified, stored: { ...identified, options_evaluated: options } };
    });
    await forge("decision_logs", rows);
    const found = await ask<Differing>("decision_logs_projection");
    assert.deepEqual(
      found.filter(({ log_id }) => log_id.startsWith("struct-")).map(({ differing }) => differing),
      changes.map(() => "options_evaluated"),
    );
  });

  it("no query is left that was not asked, with the columns that it declares", async () => {
    for (const name of queries.keys()) if (!asked.has(name)) await ask(name);
    assert.equal(asked.size, queries.size);
  });
});
