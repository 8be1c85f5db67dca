import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { codesOf, sealedWorld, World } from "./verify-world.ts";

describe("verify()", () => {
  it("finds nothing in a log that nobody has touched", async () => {
    const { world } = await sealedWorld();
    const verification = await world.verify();
    assert.deepEqual(verification.findings, []);
    assert.equal(verification.verified, true);
    assert.deepEqual(codesOf(verification), []);
    assert.equal(verification.counts.rows, 15);
  });
});
void World;
