import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { relationsWhere, viewRelations, type Relations } from "@indelible/schemas/relations.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const project = "relations-test";
const second = 1_000_000;
const base = 1_780_000_000 * second;
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const conversation = (n: number, of: string, startedAt: string, more: Event = {}): Event => ({
  log_id: id(n),
  conversation_id: of,
  business_id: "acme",
  agent_position: "CFO",
  started_at: startedAt,
  logged_at: startedAt,
  ...more,
});
const condition = "started_at >= '2026-05-02'";

describe("relations of what a question is about", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open(project);
    const write = (at: number, event: Event): Promise<void> =>
      warehouse.write("conversations", base + at * second, event);
    const late = conversation(1, "late", "2026-05-03T00:00:00Z", { cost_usd: 1 });
    await write(3, late);
    await write(2, late);
    await write(
      4,
      conversation(2, "late", "2026-05-03T00:00:00Z", { logged_at: "2026-05-03T00:01:00Z", status: "completed" }),
    );
    await write(1, conversation(3, "early", "2026-05-01T00:00:00Z", { cost_usd: 2 }));
    // Says at its end that it began later than it had said.
    await write(5, conversation(4, "moved", "2026-05-01T00:00:00Z", { cost_usd: 4 }));
    await write(6, conversation(5, "moved", "2026-05-04T00:00:00Z"));
    // A conflict whose second copy alone meets the condition, and belongs to another conversation.
    await write(7, conversation(6, "early", "2026-05-01T00:00:00Z", { cost_usd: 8 }));
    await write(8, conversation(6, "conflict", "2026-05-05T00:00:00Z", { cost_usd: 16 }));
    // A conflict whose first copy alone does.
    await write(9, conversation(7, "first", "2026-05-06T00:00:00Z", { cost_usd: 32 }));
    await write(10, conversation(7, "early", "2026-05-01T00:00:00Z", { cost_usd: 64 }));
  });
  after(() => warehouse?.close());

  const everything = viewRelations(project, defaultDatasets);
  const narrowed = relationsWhere(project, defaultDatasets, () => condition);
  const rows = (relation: string, order: string): Promise<unknown[]> =>
    warehouse.query(`SELECT * FROM ${relation} WHERE ${condition} ORDER BY ${order}`);

  for (const [kind, order, count] of [
    ["history", "log_id", 4],
    ["entities", "conversation_id", 3],
  ] as const satisfies readonly (readonly [keyof Relations, string, number])[]) {
    it(`has of ${kind} the rows that the view has, with every column`, async () => {
      const all = await rows(everything[kind]("conversations"), order);
      assert.deepEqual(await rows(narrowed[kind]("conversations"), order), all);
      assert.equal(all.length, count);
    });
  }

  for (const [kind, relations] of [
    ["everything", everything],
    ["what is asked for", narrowed],
  ] as const) {
    it(`has of entities, of ${kind}, the columns that are wanted, as the view has them`, async () => {
      const wanted = ["started_at", "cost_usd", "status", "entries"];
      const query = (from: string): string =>
        `SELECT * FROM (SELECT conversation_id, ${wanted.join(", ")} FROM ${from}) WHERE ${condition} ORDER BY conversation_id`;
      const all = await warehouse.query(query(everything.entities("conversations")));
      const [row, ...others] = await warehouse.query<object>(
        `SELECT * FROM ${relations.entities("conversations", wanted)} WHERE ${condition} ORDER BY conversation_id`,
      );
      assert.deepEqual(Object.keys(row ?? {}).toSorted(), ["conversation_id", ...wanted].toSorted());
      assert.deepEqual([row, ...others], all);
    });
  }

  it("leaves out what the question is not about", async () => {
    const [{ n } = { n: 0 }] = await warehouse.query<{ n: number }>(
      `SELECT COUNT(*) AS n FROM ${narrowed.history("conversations")} WHERE log_id = '${id(3)}'`,
    );
    assert.equal(n, 0);
  });
});
