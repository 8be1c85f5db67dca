import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import { assertFound, assertFoundOf, logAndSeal } from "./attack.ts";
import { action, decision, escalation, toolCall } from "./events.ts";
import { Arena, conversation, logIdOf, MINUTE, thought } from "./world.ts";

/** Two rows of each table that agents write. */
const rows = (from: number): Parameters<typeof logAndSeal>[1] => [
  ["conversations", logIdOf(from), conversation(`c${from}`)],
  ["thinking_logs", logIdOf(from + 1), thought(`t${from}`)],
  ["decision_logs", logIdOf(from + 2), decision(`d${from}`)],
  ["action_logs", logIdOf(from + 3), action(`a${from}`)],
  ["mcp_usage_logs", logIdOf(from + 4), toolCall(`u${from}`)],
  ["escalation_logs", logIdOf(from + 5), escalation(`e${from}`)],
];

describe("the admin does away with a sealed table", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  describe("and with others in other ways", () => {
    let found: Verification;
    before(async () => {
      const world = await arena.world();
      await logAndSeal(world, rows(100));
      await world.admin("CREATE TABLE copied AS SELECT * FROM action_logs");
      await logAndSeal(world, rows(200));
      assertFound(await world.verify());
      await world.admin("DROP TABLE conversations");
      await world.admin("CREATE OR REPLACE TABLE thinking_logs AS SELECT * FROM thinking_logs WHERE FALSE");
      await world.admin("CREATE TABLE rescued AS SELECT * FROM decision_logs");
      await world.admin("DROP TABLE decision_logs");
      await world.admin("CREATE TABLE decision_logs AS SELECT * FROM rescued");
      await world.admin("CREATE OR REPLACE TABLE action_logs AS SELECT * FROM copied");
      await world.admin("CREATE TABLE renamed AS SELECT * FROM escalation_logs");
      await world.admin("TRUNCATE TABLE escalation_logs");
      await world.retain("mcp_usage_logs", 60);
      await world.retain("dead_letters", undefined);
      await world.admin("CREATE OR REPLACE TABLE seals AS SELECT * FROM seals");
      await world.retain("seals", 2556);
      found = await world.verify();
    });

    it("dropped: the table is missing", () => assertFoundOf(found, "conversations", "table-missing conversations"));

    it("dropped, and made anew without its rows: it is younger than they are, and each is missing", () =>
      assertFoundOf(
        found,
        "thinking_logs",
        `missing thinking_logs ${logIdOf(101)}`,
        `missing thinking_logs ${logIdOf(201)}`,
        "table-recreated thinking_logs",
      ));

    it("dropped, and made anew with all its rows: it is younger than they are", () =>
      assertFoundOf(found, "decision_logs", "table-recreated decision_logs"));

    it("set back to an older copy: it is younger than its rows, and those since then are missing", () =>
      assertFoundOf(found, "action_logs", "table-recreated action_logs", `missing action_logs ${logIdOf(203)}`));

    it("copied to another name, and emptied: each row is missing", () =>
      assertFoundOf(
        found,
        "escalation_logs",
        `missing escalation_logs ${logIdOf(105)}`,
        `missing escalation_logs ${logIdOf(205)}`,
      ));

    it("set to expire sooner: its retention is shortened", () =>
      assertFoundOf(found, "mcp_usage_logs", "retention-shortened mcp_usage_logs"));

    it("that of the seals: as for any other", () =>
      assertFoundOf(found, "seals", "retention-shortened seals", "table-recreated seals"));

    it("set never to expire: that is no loss", () => assertFoundOf(found, "dead_letters"));
  });

  describe("of those that Indelible writes itself", () => {
    const gone: readonly TableName[] = ["dead_letter_reviews", "dead_letters", "log_access_audit", "seals"];
    let found: Verification;
    before(async () => {
      const world = await (await arena.world()).fill();
      // Long enough for the reads of the first seals to be due in the access audit.
      world.nowMs += 60 * 60_000;
      await world.seal();
      for (const table of gone) await world.admin(`DROP TABLE ${table}`);
      found = await world.verify();
    });

    it("each is missing, and an access audit that is gone knows no read", () => {
      const codes = found.findings.map(({ code, table }) => (code === "access-unaudited" ? code : `${code} ${table}`));
      assert.deepEqual([...new Set(codes)].sort(), [
        "access-unaudited",
        ...gone.map((name) => `table-missing ${name}`),
      ]);
      // Those of the first two minutes: the other reads may still be on their way.
      const { "access-unaudited": reads, "table-missing": tables } = found.findingCounts;
      assert.deepEqual([reads, tables], [15, gone.length]);
    });
  });

  it("and brings it back when the sealer has gone on without it: what was not sealed is not too much", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(100));
    await world.log("conversations", { ...conversation("unsealed"), publisher_id: "late", seq: 1 });
    await world.admin("CREATE TABLE copied AS SELECT * FROM conversations");
    await world.admin("DROP TABLE conversations");
    world.nowMs += 20 * MINUTE;
    await world.seal();
    assertFound(await world.verify(), "table-missing conversations");
    await world.admin("CREATE TABLE conversations AS SELECT * FROM copied");
    await world.seal();
    assertFound(await world.verify(), "table-recreated conversations");
  });

  it("and puts a view of its name in its place, with the same rows", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(100));
    await world.admin("CREATE TABLE others AS SELECT * FROM conversations");
    await world.admin("DROP TABLE conversations");
    const query = `SELECT * FROM \`${world.projectId}.${RAW_DATASET}.others\``;
    await world.bigquery.dataset(RAW_DATASET).createTable("conversations", { view: { query, useLegacySql: false } });
    assertFound(await world.verify(), "table-missing conversations");
  });
});
