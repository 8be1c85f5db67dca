import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { leavesName, readLeaves, writeLeaves } from "@indelible/ledger/leaves.ts";
import { leafHash, rootOf } from "@indelible/ledger/merkle.ts";
import { assertFound, conversationRow, foundOf, logAndSeal } from "./attack.ts";
import { Arena, conversation, logIdOf, type World } from "./world.ts";

interface Seal {
  readonly log_id: string;
  readonly log_index: number;
  readonly checkpoint_number: number;
  readonly root_hash: string;
}

/** The seals of windows of conversations that have rows, in order. */
function sealsOf(world: World): Promise<Seal[]> {
  return world.select<Seal>(
    `SELECT log_id, log_index, checkpoint_number, root_hash FROM seals
     WHERE table_name = 'conversations' AND row_count > 0 ORDER BY log_index`,
  );
}

/** Changes a row, its entry and its hash, and everything that is made of them but the signature. Returns the forged root. */
async function forge(
  world: World,
  row: string,
  { log_id: sealId, root_hash: root }: Seal,
): Promise<{ root: string; leaves: string[] }> {
  const [before] = await world.select<{ entry_hash: string }>(
    `SELECT entry_hash FROM conversations WHERE log_id = '${row}'`,
  );
  const entry = `REPLACE(entry, '"completed"', '"error"')`;
  await world.admin(
    `UPDATE conversations SET status = 'error', entry = ${entry}, entry_hash = TO_HEX(SHA256(${entry})) WHERE log_id = '${row}'`,
  );
  const [after] = await world.select<{ entry_hash: string }>(
    `SELECT entry_hash FROM conversations WHERE log_id = '${row}'`,
  );
  const leaves = ((await readLeaves(world.store, root)) ?? []).map((leaf) =>
    leaf.replace(String(before?.entry_hash), String(after?.entry_hash)),
  );
  const forged = rootOf(leaves.values().map(leafHash)).toString("hex");
  const seal = `REPLACE(entry, '${root}', '${forged}')`;
  await world.admin(
    `UPDATE seals SET root_hash = '${forged}', entry = ${seal}, entry_hash = TO_HEX(SHA256(${seal})) WHERE log_id = '${sealId}'`,
  );
  return { root: forged, leaves };
}

describe("the admin goes for a whole window", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  it("a row is forged with its hash, leaf, list of leaves and seal's row: only the signed seal is left, and finds it", async () => {
    const world = await (await arena.world()).fill();
    const [first, second] = (await sealsOf(world)) as [Seal, Seal];
    // In the first window the sealed list of leaves is replaced too, so that nobody can say which row it is.
    const one = await forge(world, conversationRow(2), first);
    world.removeObject(leavesName(first.root_hash));
    await writeLeaves(world.store, first.root_hash, one.leaves);
    await writeLeaves(world.store, one.root, one.leaves);
    // In the second a forged list is only put beside it.
    const two = await forge(world, conversationRow(8), second);
    await writeLeaves(world.store, two.root, two.leaves);

    const verification = await world.verify();
    assertFound(
      verification,
      "window-differs conversations",
      `modified conversations ${conversationRow(8)}`,
      `seal-modified seals ${first.log_id}`,
      `seal-modified seals ${second.log_id}`,
    );
    const window = verification.findings.find(({ code }) => code === "window-differs");
    assert.equal(window?.logIndex, BigInt(first.log_index));
    assert.match(window?.message ?? "", /^it was sealed with 6 rows and has 6; there is no list of its leaves/);
    assert.equal(foundOf(verification, conversationRow(8))[0]?.logIndex, BigInt(second.log_index));
  });

  it("the list of leaves is removed, and a row deleted: the window differs, by a row", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(3));
    const [seal] = (await sealsOf(world)) as [Seal];
    world.removeObject(leavesName(seal.root_hash));
    assertFound(await world.verify());
    await world.admin(`DELETE FROM conversations WHERE log_id = '${logIdOf(1001)}'`);
    const verification = await world.verify();
    assertFound(verification, "window-differs conversations");
    assert.match(verification.findings[0]?.message ?? "", /^it was sealed with 3 rows and has 2;/);
  });

  it("a row in the middle and the last row of a window are deleted: each is missing, with its window", async () => {
    const world = await (await arena.world()).fill();
    const seals = await sealsOf(world);
    const [last] = await world.select<{ micros: number }>(
      `SELECT UNIX_MICROS(ingested_at) AS micros FROM conversations WHERE log_id = '${conversationRow(12)}'`,
    );
    for (const n of [3, 12]) await world.admin(`DELETE FROM conversations WHERE log_id = '${conversationRow(n)}'`);
    const verification = await world.verify();
    assertFound(
      verification,
      `missing conversations ${conversationRow(3)}`,
      `missing conversations ${conversationRow(12)}`,
      "gap",
      "gap",
    );
    const places = [3, 12].map((n) => foundOf(verification, conversationRow(n))[0]);
    assert.deepEqual(
      places.map((finding) => finding?.logIndex),
      seals.slice(0, 2).map(({ log_index: index }) => BigInt(index)),
    );
    const { start = 0n, end = 0n } = places[1]?.window ?? {};
    assert.ok(start <= (last?.micros ?? 0) && end > (last?.micros ?? 0));
    const gaps = verification.findings.filter(({ code }) => code === "gap").map(({ message }) => message);
    assert.deepEqual(
      gaps,
      ["3", "14"].map((number) => `of the publisher "agent" the number ${number} did not arrive`),
    );
  });

  it("the last rows are deleted, with their seal's row: they and the seal are missing", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(3));
    await logAndSeal(world, rows(2, 2000));
    world.nowMs += 61 * 60_000;
    await world.seal();
    const [, last] = (await sealsOf(world)) as [Seal, Seal];
    await world.admin(`DELETE FROM conversations WHERE log_id >= '${logIdOf(2000)}'`);
    await world.admin(`DELETE FROM seals WHERE log_id = '${last.log_id}'`);
    const verification = await world.verify();
    assertFound(
      verification,
      `missing conversations ${logIdOf(2000)}`,
      `missing conversations ${logIdOf(2001)}`,
      "seal-missing seals",
    );
    const missing = verification.findings.find(({ code }) => code === "seal-missing");
    assert.equal(missing?.logIndex, BigInt(last.log_index));
  });

  it("the last rows are deleted, with all seals and the commit: the witness has seen them", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(3));
    await logAndSeal(world, rows(2, 2000));
    const [, last] = (await sealsOf(world)) as [Seal, Seal];
    await world.admin(`DELETE FROM conversations WHERE log_id >= '${logIdOf(2000)}'`);
    await world.admin(`DELETE FROM seals WHERE checkpoint_number = ${last.checkpoint_number}`);
    world.removeObject(`commits/${world.commits().at(-1)}`);
    const verification = await world.verify();
    assertFound(verification, "rolled-back");
    assert.match(verification.findings[0]?.message ?? "", /^the witness has seen \d+ seals, and the log has \d+$/);
  });

  it("a window is blown up with copies of its rows: each is found", async () => {
    const world = await arena.world();
    await logAndSeal(world, rows(3));
    for (let times = 0; times < 4; times += 1)
      await world.admin("INSERT INTO conversations SELECT * FROM conversations");
    const { findings, findingCounts } = await world.verify();
    assert.deepEqual(findingCounts, { duplicated: 45 });
    assert.deepEqual(new Set(findings.map(({ logId }) => logId)), new Set(rows(3).map(([, logId]) => logId)));
  });
});

function rows(count: number, from = 1000): Parameters<typeof logAndSeal>[1] {
  return Array.from(
    { length: count },
    (_, at) => ["conversations", logIdOf(from + at), conversation(`c${at}`)] as const,
  );
}
