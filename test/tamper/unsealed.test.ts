import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Verification } from "@indelible/ledger/verify.ts";
import { assertFound, foundOf, logAndSeal } from "./attack.ts";
import { Arena, conversation, logIdOf, MINUTE, type World } from "./world.ts";

const changed = `REPLACE(entry, '"completed"', '"error"')`;
const rowOf = (seq: number): string => logIdOf(1000 + seq);
const where = (seq: number): string => `WHERE log_id = '${rowOf(seq)}'`;

/** Six rows of a publisher of their own, behind three that are sealed. */
async function withUnsealedRows(world: World): Promise<void> {
  await logAndSeal(world, [["conversations", logIdOf(1), conversation("sealed")]]);
  for (let seq = 1; seq <= 6; seq += 1) {
    await world.log("conversations", { ...conversation(`c${seq}`), log_id: rowOf(seq), publisher_id: "late", seq });
    world.nowMs += 1000;
  }
}

describe("the admin changes rows before they are sealed", () => {
  const arena = new Arena();
  let found: Verification;
  let foundLater: Verification;
  before(async () => {
    await arena.start();
    const world = await arena.world();
    await withUnsealedRows(world);
    assertFound(await world.verify());
    await world.admin(`DELETE FROM conversations ${where(2)}`);
    await world.admin(`UPDATE conversations SET entry = ${changed} ${where(3)}`);
    await world.admin(`UPDATE conversations SET status = 'error' ${where(4)}`);
    await world.admin(
      `UPDATE conversations SET status = 'error', entry = ${changed}, entry_hash = TO_HEX(SHA256(${changed})) ${where(5)}`,
    );
    found = await world.verify();
    world.nowMs += 2 * MINUTE;
    await world.seal();
    foundLater = await world.verify();
  });
  after(() => arena.stop());

  it("a row that is deleted shows as a gap in its publisher's sequence, then and when the others are sealed", () => {
    for (const { findings } of [found, foundLater]) {
      const gaps = findings.filter(({ code }) => code === "gap").map(({ message }) => message);
      assert.deepEqual(gaps, ['of the publisher "late" the number 2 did not arrive']);
    }
  });

  it("a row whose entry is changed does not have its hash", () => {
    for (const verification of [found, foundLater]) {
      assert.deepEqual(
        foundOf(verification, rowOf(3)).map(({ code }) => code),
        ["modified"],
      );
    }
  });

  it("a row of which a column is changed does not say what its entry says", () => {
    for (const verification of [found, foundLater]) {
      assert.deepEqual(
        foundOf(verification, rowOf(4)).map(({ code }) => code),
        ["projection-differs"],
      );
    }
  });

  it("a row that is changed with its hash is not found, now or later: see SECURITY.md", () => {
    for (const verification of [found, foundLater]) assert.deepEqual(foundOf(verification, rowOf(5)), []);
  });

  it("and nothing else is found", () => {
    const expected = [`modified conversations ${rowOf(3)}`, `projection-differs conversations ${rowOf(4)}`, "gap"];
    for (const verification of [found, foundLater]) assertFound(verification, ...expected);
  });

  it("the last row of a publisher can be deleted, and a row be put in, unseen: see docs/verify.md", async () => {
    const world = await arena.world();
    await withUnsealedRows(world);
    await world.admin(`DELETE FROM conversations ${where(6)}`);
    const entry = `REPLACE(entry, log_id, '${rowOf(7)}')`;
    const columns = `'${rowOf(7)}' AS log_id, ${entry} AS entry, TO_HEX(SHA256(${entry})) AS entry_hash`;
    await world.admin(`INSERT INTO conversations SELECT * REPLACE (${columns}) FROM conversations ${where(5)}`);
    assertFound(await world.verify());
  });

  it("a second entry with the log_id of a sealed one comes in by the normal way: they conflict", async () => {
    const world = await arena.world();
    await withUnsealedRows(world);
    await world.log("conversations", { ...conversation("other"), log_id: logIdOf(1), publisher_id: "late", seq: 7 });
    const expected = `conflict conversations ${logIdOf(1)}`;
    assertFound(await world.verify(), expected);
    world.nowMs += 2 * MINUTE;
    await world.seal();
    assertFound(await world.verify(), expected);
  });
});
