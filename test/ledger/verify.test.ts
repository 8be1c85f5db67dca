import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codesOf, DAY, sealedWorld } from "./verify-world.ts";

describe("verify()", () => {
  it("finds nothing in a log that nobody has touched", async () => {
    const { world } = await sealedWorld();
    const verification = await world.verify();
    assert.deepEqual(verification.findings, []);
    assert.equal(verification.verified, true);
    assert.deepEqual(codesOf(verification), []);
    assert.equal(verification.counts.rows, 15);
    assert.equal(verification.log.seals, world.tree.size);
    assert.equal(verification.log.sealRows, Number(world.tree.size));
    assert.equal(verification.log.rootHash, world.tree.root().toString("hex"));
    for (const { table, verified } of verification.tables) {
      assert.deepEqual(verified, [{ start: 0n, end: world.ends.get(table) }]);
    }
  });

  it("finds nothing in a log of several days, with rows of every moment", async () => {
    const { world } = await sealedWorld();
    for (let day = 0; day < 3; day += 1) {
      world.logMany(3);
      world.clock += DAY - 5_000_000n;
      world.logMany(10, "conversations");
      await world.seal();
    }
    assert.deepEqual(await world.findings(), []);
  });
});
