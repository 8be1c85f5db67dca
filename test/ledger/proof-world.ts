import type { TableName } from "@indelible/schemas/tables.ts";
import { parseKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/note.ts";
import type { Proof } from "@indelible/ledger/proof.ts";
import { prove, type FoundRow, type Lookup } from "@indelible/ledger/prove.ts";
import { seal } from "@indelible/ledger/seal.ts";
import { latestCommit, readCommit } from "@indelible/ledger/seal-log.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import { MemoryStore } from "./memory-store.ts";
import { SealedWarehouse } from "./sealed-warehouse.ts";
import { testSigner } from "./test-keys.ts";

export const origin = "indelible/test/agent_logs_raw";
export const signer: Signer = testSigner(origin, "proofs");
const start = Date.parse("2026-06-01T12:00:00Z");
const tables: readonly TableName[] = ["conversations"];

export const keyText: string = JSON.stringify(
  {
    format: "indelible-keys/1",
    origin,
    keys: [{ vkey: formatVerifierKey(verifierKeyOf(signer)), from: "2026-01-01T00:00:00Z" }],
  },
  undefined,
  2,
);

/** A small log, always the same: seven rows in a window of their own, and four more in another; three seals in two commits. */
export class ProofWorld {
  readonly warehouse: SealedWarehouse = new SealedWarehouse();
  readonly store: MemoryStore = new MemoryStore();
  readonly keys: KeyList = parseKeyList(keyText);

  static async make(): Promise<ProofWorld> {
    const world = new ProofWorld();
    for (let number = 0; number < 7; number += 1) world.#log(number, start + number);
    await world.#seal(start + 120_000);
    for (let number = 7; number < 11; number += 1) world.#log(number, start + 200_000);
    await world.#seal(start + 400_000);
    return world;
  }

  prove(number: number): Promise<Proof> {
    const { store, keys, lookup } = this;
    return prove(logIdOf(number), { store, keys, lookup });
  }

  get lookup(): Lookup {
    return {
      rows: async (logId) =>
        tables.flatMap((table) =>
          this.warehouse
            .rows(table)
            .filter((row) => row["log_id"] === logId)
            .map((row): FoundRow => ({
              table,
              logId,
              entry: String(row["entry"]),
              entryHash: String(row["entry_hash"]),
              publishedAt: row["published_at"] as bigint,
              messageId: String(row["message_id"]),
              ingestedAt: row["ingested_at"] as bigint,
            })),
        ),
      seals: async (table, at) => {
        const latest = await latestCommit(this.store, this.keys);
        const commits = [latest];
        for (let number = (latest?.commit.number ?? 0) - 1; number >= 0; number -= 1) {
          commits.push(await readCommit(this.store, this.keys, number));
        }
        return commits
          .flatMap((commit) => commit?.seals ?? [])
          .filter(({ table: of, window }) => of === table && at >= window.start && at < window.end)
          .map(({ entry }) => entry);
      },
    };
  }

  #log(number: number, atMs: number): void {
    this.warehouse.log(number, BigInt(atMs) * 1000n);
  }

  async #seal(nowMs: number): Promise<void> {
    const { warehouse: reader, store, keys } = this;
    const rows = { append: async () => {}, complete: async () => undefined };
    await seal({ reader, store, keys, signers: [signer], rows, tables, now: () => nowMs });
  }
}

export function logIdOf(number: number): string {
  return `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
}
