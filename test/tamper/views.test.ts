import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { assertFound, logAndSeal } from "./attack.ts";
import { Arena, conversation, logIdOf, MINUTE, type World } from "./world.ts";

/** Two conversations of a publisher between which one is missing, and a second entry with the log_id of the first. */
async function withGapAndConflict(world: World): Promise<void> {
  await logAndSeal(world, [["conversations", logIdOf(1), conversation("c1")]]);
  for (const seq of [1, 3]) await world.log("conversations", { ...conversation(`d${seq}`), publisher_id: "late", seq });
  const event = { ...conversation("c2"), publisher_id: "late", seq: 4 };
  await world.log("conversations", { ...event, log_id: logIdOf(1) });
}

const gapAndConflict = ["gap", `conflict conversations ${logIdOf(1)}`];

describe("the admin changes the views, by which others look into the log", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  const view = (world: World, name: string) => world.bigquery.dataset(VIEWS_DATASET).table(name);

  it("those of gaps and conflicts say that there are none: the tables are asked, and there are", async () => {
    const world = await arena.world();
    await withGapAndConflict(world);
    for (const name of ["sequence_gaps", "sequence_numbers", "conflicts"]) {
      const [before] = (await view(world, name).getMetadata()) as unknown as [{ view: { query: string } }];
      const query = `SELECT * FROM (${before.view.query}) WHERE FALSE`;
      await view(world, name).setMetadata({ view: { query, useLegacySql: false } });
    }
    assertFound(await world.verify(), ...gapAndConflict);
  });

  it("they are dropped: the tables are asked", async () => {
    const world = await arena.world();
    await withGapAndConflict(world);
    for (const name of ["sequence_gaps", "sequence_numbers", "conflicts", "log_access_audit_history"]) {
      await view(world, name).delete();
    }
    assertFound(await world.verify(), ...gapAndConflict);
  });

  it("that of the access audit knows every read, and the table none", async () => {
    const world = await arena.world();
    world.auditSink = false;
    await world.fill();
    world.nowMs += 60 * MINUTE;
    await world.seal();
    const query = `SELECT read_session AS job_id FROM \`${world.projectId}.${RAW_DATASET}.seals\``;
    const name: `${TableName}_history` = "log_access_audit_history";
    await view(world, name).setMetadata({ view: { query, useLegacySql: false } });
    const { findingCounts } = await world.verify();
    assert.deepEqual(Object.keys(findingCounts), ["access-unaudited"]);
  });
});
