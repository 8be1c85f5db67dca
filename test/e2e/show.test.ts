import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { examine, type Refused, type Shown } from "../../cli/show/examine.ts";
import { refusedText, shownText } from "../../cli/show/text.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "show-test";
const base = Date.parse("2026-02-01T00:00:00Z") * 1000;
const id = (n: number): string => `${String(n).padStart(8, "0")}-0000-7000-8000-000000000000`;
const decision = (n: number, of: string, more: Event = {}): Event => ({
  log_id: id(n),
  decision_id: of,
  business_id: "acme",
  agent_position: "CFO",
  decided_at: "2026-01-31T09:40:40Z",
  decision_summary: `decision ${n}`,
  options_evaluated: [{ option: "a", pros: ["p"], cons: [], score: 1.5 }],
  ...more,
});

describe("everything of one entry", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
    const first = decision(1, "budget-17");
    await warehouse.write("decision_logs", base + 2, first);
    await warehouse.write("decision_logs", base + 1, first);
    const review = { human_reviewed: true, human_reviewer: "mara", logged_at: "2026-02-02T00:00:00Z" };
    await warehouse.write("decision_logs", base + 3, decision(2, "budget-17", review));
    await warehouse.write("decision_logs", base + 4, decision(3, "budget-18"));
    await warehouse.write("decision_logs", base + 6, decision(4, "conflict", { rationale: "the second" }));
    await warehouse.write("decision_logs", base + 5, decision(4, "conflict", { rationale: "the first" }));
    // Rows that nobody has written by the subscriber: of columns, and of an entry, that somebody has changed.
    await append(decision(5, "tampered"), (text) => text, { decision_summary: "x" });
    await append(decision(6, "forged"), (text) => text.replace("decision 6", "decision 7"));
    await warehouse.bury(base + 8, JSON.stringify(decision(7, "refused", { confidence: 2 })), {
      "indelible.reason": "ERR_INVALID_EVENT",
      "indelible.detail": "confidence: must be <= 1",
      "indelible.table": "decision_logs",
      "indelible.message_id": "m-1",
      "indelible.published_at": "2026-02-01T00:00:00Z",
      "indelible.index": "0",
      "indelible.log_id": id(7),
    });
  });
  after(() => warehouse?.close());

  async function append(event: Event, change: (entry: string) => string, columns: Event = {}): Promise<void> {
    const entry = canonicalize(event);
    const row = rowEncoderOf(tables.decision_logs)(
      { ...event, ...columns },
      {
        published_at: base,
        message_id: "1",
        ingested_at: base,
        schema_version: 1,
        entry: change(entry),
        entry_hash: entryHash(entry),
      },
    );
    await warehouse.appender.append("decision_logs", [() => row]);
  }
  async function show(asked: string): Promise<Shown> {
    const shown = await examine(warehouse, asked);
    assert.ok("row" in shown);
    return shown;
  }
  const refusal = async (asked: string): Promise<IndelibleError> => {
    try {
      await examine(warehouse, asked);
    } catch (error) {
      if (IndelibleError.is(error)) return error;
      throw error;
    }
    throw new Error("it was found");
  };

  it("finds an entry by its log_id or a beginning, with every column, and the entity's other entries in order", async () => {
    for (const asked of [id(1), "00000001"]) {
      const shown = await show(asked);
      assert.deepEqual([shown.log_id, shown.entity_id], [id(1), "budget-17"]);
      assert.equal(shown.row["decision_summary"], "decision 1");
      assert.deepEqual(shown.row["options_evaluated"], [{ option: "a", pros: ["p"], cons: [], score: 1.5 }]);
      assert.deepEqual(
        shown.history.map(({ log_id, outcome }) => [log_id, outcome]),
        [
          [id(1), null],
          [id(2), "reviewed"],
        ],
      );
    }
  });

  it("finds an entity by its ID or a beginning, and shows its latest entry", async () => {
    for (const asked of ["budget-17", "conf"])
      assert.equal((await show(asked)).log_id, asked === "conf" ? id(4) : id(2));
  });

  it("tells copies of the same content from a conflict, and shows the copy that was published first", async () => {
    const same = await show(id(1));
    assert.deepEqual([same.copies.length, same.conflict], [2, false]);
    const conflict = await show("conflict");
    assert.deepEqual([conflict.copies.length, conflict.conflict, conflict.row["rationale"]], [2, true, "the first"]);
    assert.match(shownText(conflict, false, 80), /CONFLICT/);
  });

  it("names the columns that differ from the entry, and an entry whose hash does not hold", async () => {
    const honest = await show(id(3));
    assert.deepEqual([honest.copies[0]?.hash_holds, honest.copies[0]?.differing], [true, null]);
    const tampered = await show(id(5));
    assert.deepEqual([tampered.copies[0]?.hash_holds, tampered.copies[0]?.differing], [true, "decision_summary"]);
    assert.match(shownText(tampered, false, 80), /DIFFER .*decision_summary/s);
    const forged = await show(id(6));
    assert.deepEqual([forged.copies[0]?.hash_holds, forged.copies[0]?.differing], [false, "decision_summary"]);
    assert.match(shownText(forged, false, 80), /BROKEN/);
  });

  it("says that no seal covers it, and claims no proof that it has not seen", async () => {
    assert.equal((await show(id(3))).seal.state, "unsealed");
    const seal = {
      log_id: id(90),
      seal_id: "log#0",
      table_name: "decision_logs",
      window_start: "2020-01-01T00:00:00Z",
      window_end: "2100-01-01T00:00:00Z",
      row_count: 8,
      root_hash: "00".repeat(32),
      log_index: 0,
      sealed_at: "2026-02-01T00:02:00Z",
      checkpoint_number: 0,
    };
    await warehouse.write("seals", base + 9, seal);
    const claimed = await examine(warehouse, id(3), {
      proof: () => Promise.reject(new IndelibleError("ERR_CONFIG", "where the seals are is not known")),
    });
    assert.ok("row" in claimed);
    assert.deepEqual(
      [claimed.seal.state, claimed.seal.why, claimed.seal.log_index],
      ["claimed", "where the seals are is not known", 0],
    );
    assert.match(shownText(claimed, false, 80), /not looked at/);
  });

  it("says of a dead letter, by its ID or the log_id of its event, that it is one, and which command shows it", async () => {
    const refused = (await examine(warehouse, id(7))) as Refused;
    assert.deepEqual([refused.reason, refused.source_log_id], ["ERR_INVALID_EVENT", id(7)]);
    assert.match(refusedText(refused, 80), new RegExp(`indelible dlq show ${refused.dead_letter_id}`));
    assert.deepEqual(await examine(warehouse, refused.dead_letter_id), refused);
  });

  it("lists what an ambiguous beginning may be, and says what to try when there is nothing", async () => {
    const ambiguous = await refusal("budget");
    assert.equal(ambiguous.code, "ERR_NOT_FOUND");
    assert.match(ambiguous.message, /budget-17 .*budget-18 /);
    assert.match((await refusal("nothing-of-this-name")).hint, /indelible tail/);
    assert.match((await refusal("bud")).hint, /at least 4/);
  });

  it("shows the latest entry of more than are listed, and a conflict behind more copies than are listed", async () => {
    const at = (n: number): string => new Date(Date.UTC(2026, 2, 1, 0, 0, n)).toISOString();
    const many = Array.from({ length: 205 }, (_, n) => decision(1000 + n, "long-story", { logged_at: at(n) }));
    await warehouse.write("decision_logs", base + 1000, ...many);
    const shown = await show("long-story");
    assert.deepEqual([shown.log_id, shown.history.length, shown.more_history], [id(1204), 200, true]);
    const row = decision(2000, "many-copies");
    for (let n = 0; n < 21; n += 1) await warehouse.write("decision_logs", base + 2000 + n, row);
    const honest = await show(id(2000));
    assert.deepEqual([honest.copies.length, honest.copy_count, honest.conflict], [20, 21, false]);
    await warehouse.write("decision_logs", base + 2100, { ...row, rationale: "another" });
    const conflict = await show(id(2000));
    assert.deepEqual([conflict.copies.length, conflict.copy_count, conflict.conflict], [20, 22, true]);
    assert.match(shownText(conflict, false, 80), /22: CONFLICT/);
  });

  it("prints commands that do nothing an agent has written", async () => {
    const hostile = "x; touch p #'";
    await warehouse.write("conversations", base + 3000, {
      log_id: id(3000),
      conversation_id: hostile,
      business_id: "acme",
      agent_position: "CFO",
      started_at: "2026-01-31T09:40:40Z",
    });
    assert.ok(shownText(await show(hostile), false, 80).includes(String.raw`timeline 'x; touch p #'\'''` + "\n"));
  });

  it("does not take an entity that was named after somebody's entry for that entry", async () => {
    await warehouse.write("decision_logs", base + 20, decision(20, "victim"));
    await warehouse.write("decision_logs", base + 21, decision(21, id(20)));
    const ambiguous = await refusal(id(20));
    assert.match(ambiguous.message, /\(entry of decision_logs\).*\(entity of decision_logs\)/);
    assert.match(ambiguous.hint, /decision_logs_history WHERE log_id/);
    // Nor if a copy of the entry says so.
    await warehouse.write("decision_logs", base + 22, decision(20, id(20)));
    assert.match((await refusal(id(20))).message, /\(entry of decision_logs\)/);
    await warehouse.write("decision_logs", base + 23, decision(22, id(22)));
    assert.equal((await show(id(22))).log_id, id(22));
  });

  it("fits a terminal, whatever agents have written", async () => {
    const hostile = "\u001b[2J\u202eevil\n漢字漢字漢字 ".repeat(40);
    const event = decision(8, `odd-${"x".repeat(200)}`, { decision_summary: hostile, chosen_option: "y".repeat(5000) });
    await warehouse.write("decision_logs", base + 10, event);
    const shown = await show(id(8));
    for (const full of [true, false]) {
      const text = shownText(shown, full, 80);
      assert.ok(!text.includes("\u001b[2J") && !text.includes("\u202e"));
      for (const line of text.split("\n").slice(1)) assert.ok(cellWidth(line) <= 80, `${cellWidth(line)}: ${line}`);
    }
  });
});
