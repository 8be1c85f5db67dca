import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Arena } from "./world.ts";

describe("an untouched log", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  it("is verified, with no finding", async () => {
    const world = await (await arena.world()).fill();
    const verification = await world.verify();
    assert.deepEqual(verification.findings, []);
    assert.ok(verification.verified);
    assert.ok(verification.counts.rows > 24);
  });
});
