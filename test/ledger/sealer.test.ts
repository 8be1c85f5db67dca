import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { describe, it } from "node:test";
import { Sealer } from "@indelible/ledger/sealer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

const hourMs = 3_600_000;

describe("runEvery()", () => {
  it("ends at once when it is told to while it waits, and leaves nothing behind", async () => {
    const sealer = new Sealer(() => assert.fail("nothing is due"));
    const stopping = new AbortController();
    const running = sealer.runEvery(hourMs, stopping.signal);
    stopping.abort();
    await running;
    assert.deepEqual(getEventListeners(stopping.signal, "abort"), []);
    await sealer.runEvery(hourMs, stopping.signal);
  });

  it("tries again after a run that failed, and ends after the one during which it is told to", async () => {
    const stopping = new AbortController();
    let runs = 0;
    const sealer = new Sealer(async () => {
      runs += 1;
      if (runs === 3) stopping.abort();
      throw new IndelibleError("ERR_STORE", "it failed on purpose");
    });
    await sealer.runEvery(1, stopping.signal);
    assert.equal(runs, 3);
    assert.deepEqual(sealer.state, { lastSuccessMs: undefined, lastFailure: "ERR_STORE" });
  });
});
