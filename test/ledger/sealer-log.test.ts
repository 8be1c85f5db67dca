import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { SealOptions } from "@indelible/ledger/seal.ts";
import { Sealer } from "@indelible/ledger/sealer.ts";
import { openWitness, type Witness } from "@indelible/ledger/witness.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { MemoryStore } from "./memory-store.ts";
import { sealedWorld, type World } from "./sealing-world.ts";

/** What a run logs. A run that fails is one too. */
async function logOf(
  t: TestContext,
  options: () => Promise<SealOptions>,
): Promise<{ readonly [field: string]: unknown }[]> {
  const lines: string[] = [];
  const write = t.mock.method(process.stderr, "write", (line: string) => lines.push(line) > 0);
  await new Sealer(options).run().catch(() => undefined);
  write.mock.restore();
  return lines.map((line) => JSON.parse(line) as { readonly [field: string]: unknown });
}

function optionsOf(world: World, witness?: Witness): () => Promise<SealOptions> {
  const { warehouse: reader, store, keys, signers, rows, nowMs } = world;
  return async () => ({ reader, store, keys, signers, rows, witness, now: () => nowMs });
}

describe("what alerts and metrics know the sealer by", () => {
  it('is the event "sealed" of each run that makes a commit', async (t) => {
    const world = await sealedWorld();
    const [line, ...others] = await logOf(t, optionsOf(world));
    assert.equal(others.length, 0);
    assert.deepEqual([line?.["severity"], line?.["event"], line?.["commitNumber"]], ["INFO", "sealed", 1]);
  });

  it('is the event "witness-behind" of a witness that does not answer', async (t) => {
    const world = await sealedWorld();
    const witnessStore = new MemoryStore();
    const witness = openWitness({ store: witnessStore, keys: world.keys });
    witnessStore.failure = "before";
    const lines = await logOf(t, optionsOf(world, witness));
    assert.deepEqual(
      lines.map(({ severity, event, code }) => [severity, event, code]),
      [
        ["INFO", "sealed", undefined],
        ["ERROR", "witness-behind", "ERR_STORE"],
      ],
    );
  });

  it('is the event "witness-refuses" of a witness to which the log is another one', async (t) => {
    const world = await sealedWorld();
    const witness: Witness = {
      ...openWitness({ store: new MemoryStore(), keys: world.keys }),
      add: () => Promise.reject(new IndelibleError("ERR_CHECKPOINT", "the log has two histories")),
    };
    const lines = await logOf(t, optionsOf(world, witness));
    assert.deepEqual(
      lines.map(({ severity, event, code }) => [severity, event, code]),
      [
        ["INFO", "sealed", undefined],
        ["ERROR", "witness-refuses", "ERR_CHECKPOINT"],
      ],
    );
  });

  it("is the code of the error of a run that failed", async (t) => {
    const [line] = await logOf(t, () => Promise.reject(new IndelibleError("ERR_KEY", "no key is valid now")));
    assert.deepEqual([line?.["severity"], line?.["code"]], ["ERROR", "ERR_KEY"]);
  });
});
