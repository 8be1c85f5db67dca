import { entryHash } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/note.ts";
import type { SealRows } from "@indelible/ledger/seal-rows.ts";
import { seal, type SealOptions, type SealReport } from "@indelible/ledger/seal.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import { MemoryStore } from "./memory-store.ts";
import { SealedWarehouse } from "./sealed-warehouse.ts";
import { testSigner } from "./test-keys.ts";

export const MINUTE: number = 60_000;
export const base: number = Date.parse("2026-06-01T12:00:00Z");
export const micros = (ms: number): bigint => BigInt(ms) * 1000n;
export const origin: string = "indelible/test/agent_logs_raw";
export const signer: Signer = testSigner(origin, "first");

export function keyListOf(...vkeys: readonly string[]): KeyList {
  const keys = vkeys.map((vkey) => ({ vkey, from: "2026-01-01T00:00:00Z" }));
  return parseKeyList(JSON.stringify({ format: "indelible-keys/1", origin, keys }));
}

/** A warehouse, a store and a sealer whose clock the test sets. */
export class World {
  readonly warehouse: SealedWarehouse = new SealedWarehouse();
  readonly store: MemoryStore = new MemoryStore();
  nowMs: number = base;
  keys: KeyList = keyListOf(formatVerifierKey(verifierKeyOf(signer)));
  signers: Signer[] = [signer];
  appendFails: boolean = false;

  /** Logs a row that is ingested now. */
  log(number: number): void {
    this.warehouse.log(number, micros(this.nowMs));
  }

  get rows(): SealRows {
    const append = async (entries: readonly string[]): Promise<void> => {
      if (this.appendFails) throw new IndelibleError("ERR_APPEND_REFUSED", "it failed on purpose");
      for (const entry of entries) {
        this.warehouse
          .rows("seals")
          .push({ entry, entry_hash: entryHash(entry), ingested_at: micros(this.nowMs), log_id: entry.slice(0, 36) });
      }
    };
    return {
      append: ({ commit }) => append(commit.entries),
      complete: async ({ commit }) => {
        const present = new Set(this.warehouse.rows("seals").map(({ entry }) => entry));
        await append(commit.entries.filter((entry) => !present.has(entry)));
        return undefined;
      },
    };
  }

  seal(options: Partial<SealOptions> = {}): Promise<SealReport> {
    const { warehouse: reader, store, keys, signers, rows } = this;
    return seal({ reader, store, keys, signers, rows, now: () => this.nowMs, ...options });
  }

  sealEntries(): unknown[] {
    return this.warehouse.rows("seals").map(({ entry }) => entry);
  }
}

/** A world in which one row is sealed and another one, a minute younger, is closed but not sealed. */
export async function sealedWorld(): Promise<World> {
  const world = new World();
  world.log(1);
  world.nowMs += 2 * MINUTE;
  world.log(2);
  await world.seal();
  world.nowMs += 2 * MINUTE;
  return world;
}
