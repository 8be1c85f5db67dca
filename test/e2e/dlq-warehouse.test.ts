import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Event } from "@indelible/schemas/tables.ts";
import { digitsOf, groupIdOf } from "../../cli/dlq/handle.ts";
import { hasOutcome, readJobs } from "../../cli/dlq/job.ts";
import { DeadLetterWarehouse } from "../../cli/dlq/warehouse.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const start = Date.parse("2026-01-31T09:30:00Z") * 1000;
const second = 1_000_000;

const attributesOf = (message: number, more: { [name: string]: string } = {}): { [name: string]: string } => ({
  "indelible.reason": "ERR_INVALID_EVENT",
  "indelible.detail": "confidence_level must be <= 1",
  "indelible.table": "thinking_logs",
  "indelible.message_id": String(message),
  "indelible.published_at": new Date((start + message * second) / 1000).toISOString(),
  "indelible.index": "0",
  "indelible.log_id": `00000000-0000-7000-8000-${String(message).padStart(12, "0")}`,
  ...more,
});

const review = (n: number, letter: string, decision: "replay" | "discard", publisher?: string): Event => ({
  log_id: `00000000-0000-7000-8000-${String(9000 + n).padStart(12, "0")}`,
  review_id: String(n),
  dead_letter_id: letter,
  reviewed_at: "2026-01-31T10:00:00Z",
  reviewer: "ops@desk",
  decision,
  ...(publisher !== undefined && { publisher_id: publisher, seq: n }),
});

describe("DeadLetterWarehouse, of rows that were delivered twice, late, and with other content", () => {
  let warehouse: RawWarehouse;
  let reader: DeadLetterWarehouse;
  const ids = new Map<number, string>();

  before(async () => {
    warehouse = await RawWarehouse.open("dlq-warehouse");
    reader = new DeadLetterWarehouse(warehouse, { deadlineMs: 0 });
    for (const message of [1, 2, 3, 4, 5]) await warehouse.bury(start + message, "{}", attributesOf(message));
    // The second time as it was, and once more with another reason.
    await warehouse.bury(start + 100, "{}", attributesOf(1));
    const other = { "indelible.reason": "ERR_NOT_JSON", "indelible.detail": "the event is not JSON" };
    await warehouse.bury(start + 101, "{}", attributesOf(2, other));
    // Two parts are one.
    for (const part of ["1", "2"])
      await warehouse.bury(
        start + 102,
        "{",
        attributesOf(6, { "indelible.part": part, "indelible.parts": "2", ...other }),
      );
    // Nobody knows its table, and its pattern is no ASCII.
    await warehouse.bury(start + 103, "{}", {
      ...attributesOf(7, { "indelible.detail": "résumé 5 must 日本" }),
      "indelible.table": "",
    });
    const rows = await warehouse.query<{ dead_letter_id: string; source_message_id: string }>(
      "SELECT dead_letter_id, source_message_id FROM agent_logs.dead_letters_history WHERE part IS NULL OR part = 1",
    );
    for (const row of rows) ids.set(Number(row.source_message_id), row.dead_letter_id);
    assert.equal(ids.size, 7);
    const idOf = (message: number): string => ids.get(message) ?? assert.fail();
    // Decided twice; the first decision is delivered again after the second one.
    await warehouse.write("dead_letter_reviews", start + 200, review(1, idOf(3), "replay", "run-1"));
    await warehouse.write("dead_letter_reviews", start + 201, review(2, idOf(3), "discard", "run-2"));
    await warehouse.write("dead_letter_reviews", start + 202, review(1, idOf(3), "replay", "run-1"));
    await warehouse.write("dead_letter_reviews", start + 203, review(3, idOf(4), "replay", "run-1"));
    await warehouse.write("dead_letter_reviews", start + 204, review(4, idOf(5), "replay"));
  });
  after(() => warehouse?.close());

  it("counts each dead letter once, by what its first copy says", async () => {
    const groups = await reader.groups({}, undefined, 10);
    assert.deepEqual(groups.map(({ table, reason, count, open }) => [table, reason, count, open]).toSorted(), [
      ["", "ERR_INVALID_EVENT", 1, 1],
      ["thinking_logs", "ERR_INVALID_EVENT", 2, 2],
      ["thinking_logs", "ERR_NOT_JSON", 1, 1],
    ]);
    const [invalid] = groups;
    assert.deepEqual(
      [invalid?.firstSeen.slice(0, 19), invalid?.lastSeen.slice(0, 19)],
      ["2026-01-31T09:30:01", "2026-01-31T09:30:02"],
    );
  });

  it("finds by a filter what the first copy says, and not what another one does", async () => {
    const [notJson, ...others] = await reader.groups({ reason: "ERR_NOT_JSON" }, undefined, 10);
    assert.deepEqual([notJson?.count, notJson?.example, others.length], [1, ids.get(6), 0]);
    const page = { decisions: [undefined], newestFirst: true, limit: 10 } as const;
    const found = await reader.letters({ reason: "ERR_INVALID_EVENT" }, page);
    assert.deepEqual(new Set(found.map(({ id }) => id)), new Set([ids.get(1), ids.get(2), ids.get(7)]));
    const since = await reader.groups({ sinceMicros: start + 6 * second }, undefined, 10);
    assert.deepEqual(
      since.map(({ count }) => count),
      [1, 1],
    );
  });

  it("goes by the latest decision, which is not the one that came in last", async () => {
    const [discarded] = await reader.groups({}, "discard", 10);
    assert.deepEqual([discarded?.count, discarded?.open, discarded?.example], [1, 2, ids.get(3)]);
    const [replayed] = await reader.groups({}, "replay", 10);
    assert.equal(replayed?.count, 2);
    const [letter] = await reader.letters(
      { ids: [ids.get(3) ?? ""] },
      { decisions: ["discard"], newestFirst: true, limit: 10 },
    );
    assert.deepEqual([letter?.decision?.kind, letter?.decision?.job], ["discard", "run-2"]);
  });

  it("counts a group by the latest decisions about its dead letters", async () => {
    const [group] = await reader.groups({}, "discard", 1);
    const counts = await reader.counts(group ?? assert.fail());
    assert.deepEqual([counts?.open, counts?.replay, counts?.discarded], [2, 2, 1]);
    assert.equal(await reader.counts({ table: "seals", reason: "x", pattern: "" }), undefined);
  });

  it("goes through all of them by pages, each once", async () => {
    const seen: string[] = [];
    for (let after: Awaited<ReturnType<typeof reader.letters>>[number] | undefined; ;) {
      const page = await reader.letters(
        {},
        { decisions: [undefined, "replay", "discard"], after, newestFirst: false, limit: 2 },
      );
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1);
      if (after === undefined) break;
    }
    assert.deepEqual(
      seen,
      [1, 2, 3, 4, 5, 6, 7].map((message) => ids.get(message)),
    );
  });

  it("gives groups the same handle as this side does", async () => {
    for (const group of await reader.groups({}, undefined, 10)) {
      const digits = digitsOf("g", groupIdOf(group, 64)) ?? assert.fail();
      const { table, reason, pattern } = group;
      assert.deepEqual(await reader.groupsMatching(digits), [{ table, reason, pattern }]);
      assert.equal((await reader.groups({ group }, undefined, 10))[0]?.count, group.count);
    }
    assert.deepEqual(await reader.groupsMatching("0".repeat(64)), []);
  });

  it("tells runs apart by who published their reviews, and what was decided again since", async () => {
    const jobs = (await readJobs(reader, { limit: 10 })).map((job) => (hasOutcome(job) ? job : assert.fail()));
    assert.deepEqual(
      jobs
        .map((job) => [job.publisherId, job.decision, job.letters, job.states.replaying, job.decidedAgain])
        .toSorted(),
      [
        ["run-1", "replay", 2, 1, 1],
        ["run-2", "discard", 1, 0, 0],
      ],
    );
    assert.deepEqual(await readJobs(reader, { limit: 10, sinceMicros: start + 3600 * second }), []);
  });

  it("counts as new only what was appended since for the first time", async () => {
    const before = await reader.newestMicros();
    await warehouse.bury(start + 300, "{}", attributesOf(1));
    await warehouse.bury(start + 301, "{}", attributesOf(8));
    assert.deepEqual(
      (await reader.since(before)).map(({ table, count }) => [table, count]),
      [["thinking_logs", 1]],
    );
  });
});
