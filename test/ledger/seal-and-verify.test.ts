import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openWitness } from "@indelible/ledger/witness.ts";
import { seal } from "@indelible/ledger/seal.ts";
import type { SealRows } from "@indelible/ledger/seal-rows.ts";
import fc from "fast-check";
import { MemoryStore } from "./memory-store.ts";
import { DAY, HOUR, SECOND, World } from "./verify-world.ts";

/** A world whose seals are made by the sealer itself. */
class RealWorld extends World {
  readonly #witnessStore = new MemoryStore();

  get #rows(): SealRows {
    const append = async ({ commit }: { commit: { entries: readonly string[] } }): Promise<void> =>
      this.appendSeals(commit.entries);
    return { append, complete: async () => undefined };
  }

  witness(): ReturnType<typeof openWitness> {
    return openWitness({ store: this.#witnessStore, keys: this.keys });
  }

  async sealReally(sizes: {
    readonly maxWindowRows?: number;
    readonly maxRowsRead?: number;
    readonly maxSeals?: number;
  }): Promise<void> {
    const common = {
      store: this.store,
      keys: this.keys,
      signers: [this.signer],
      witness: this.witness(),
      rows: this.#rows,
    };
    for (let more = true; more;) {
      const report = await seal({
        ...common,
        ...sizes,
        reader: this.warehouse.reader(),
        now: () => Number(this.clock / 1000n),
      });
      assert.equal(report.witnessFailure, undefined);
      more = report.more;
    }
  }
}

describe("what the sealer seals", () => {
  it("is verified, whenever rows come in and however windows are cut", async () => {
    const pause = fc.constantFrom(0n, 1n, SECOND, 40n * SECOND, HOUR, 7n * HOUR, DAY, 3n * DAY);
    const burst = fc.record({ pause, rows: fc.integer({ min: 0, max: 6 }), isSealed: fc.boolean() });
    const sizes = fc.record({
      maxWindowRows: fc.integer({ min: 1, max: 8 }),
      maxRowsRead: fc.integer({ min: 1, max: 20 }),
      maxSeals: fc.integer({ min: 10, max: 40 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 8 }), sizes, async (bursts, sizes) => {
        const world = new RealWorld();
        for (const { pause, rows, isSealed } of bursts) {
          for (let row = 0; row < rows; row += 1) {
            world.log({}, row % 3 === 0 ? "conversations" : "action_logs");
            // Several rows of the same microsecond.
            if (row % 2 === 0) world.clock -= SECOND;
          }
          world.clock += SECOND + pause;
          if (isSealed) await world.sealReally(sizes);
        }
        world.clock += HOUR;
        await world.sealReally(sizes);
        const options = { witness: world.witness(), auditedSessions: undefined };
        const verification = await world.verify(options);
        assert.deepEqual(verification.findings, []);
        // Where there is no row there is nothing that could be verified.
        assert.equal(
          verification.verified,
          bursts.some(({ rows }) => rows > 0),
        );
        assert.equal(verification.counts.unsealedRows, 0);
        const [row] = world.warehouse.rows("action_logs");
        if (row === undefined) return;
        world.admin.delete("action_logs", row["log_id"] as string);
        assert.deepEqual(await world.findings(options), [`missing ${String(row["log_id"])}`]);
      }),
      { numRuns: 25 },
    );
  });

  it("is verified when a required column was NULL already, and found when it became so later", async () => {
    const world = new RealWorld();
    const [early, late] = world.logMany(2) as [string, string];
    world.admin.update("action_logs", early, { message_id: null, published_at: null });
    world.clock += HOUR;
    await world.sealReally({});
    const options = { witness: undefined, auditedSessions: undefined };
    assert.deepEqual(await world.findings(options), []);
    world.admin.update("action_logs", late, { message_id: null });
    assert.deepEqual(await world.findings(options), [`modified ${late}`]);
  });
});
