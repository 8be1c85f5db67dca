import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { keysAt, type KeyList } from "./key-list.ts";
import { leafData, type RowIdentity } from "./leaf.ts";
import { readLeaves } from "./leaves.ts";
import {
  CompactRange,
  includes,
  inclusionProofAfter,
  inclusionProofPacked,
  leafHash,
  packedLeaves,
  rootOfPacked,
} from "./merkle.ts";
import { formatVerifierKey, openNote } from "./note.ts";
import type { ObjectStore } from "./object-store.ts";
import { PROOF_FORMAT, verifyProof, type Proof } from "./proof.ts";
import { readCommit, type VerifiedCommit } from "./seal-log.ts";
import { parseSeal, type Seal } from "./seal-entry.ts";

/** A row that was found, with its entry. */
export interface FoundRow extends RowIdentity {
  readonly entry: string;
}

/** Finds what is to be proved. What it says is not believed but proved. */
export interface Lookup {
  /** Every row of any table with this `log_id`. @throws ERR_QUERY, ERR_READ */
  rows(logId: string): Promise<readonly FoundRow[]>;
  /** Entries of the table of seals whose window has this time, in microseconds since 1970. @throws as `rows` */
  seals(table: TableName, at: bigint): Promise<readonly string[]>;
}

export interface ProveOptions {
  readonly lookup: Lookup;
  readonly store: ObjectStore;
  readonly keys: KeyList;
}

/**
 * Makes the proof of an entry. Of several rows with this `log_id` it is the one that the history view shows: the first by
 * (`published_at`, `message_id`, `ingested_at`).
 *
 * @throws ERR_NOT_FOUND: no row has this `log_id`. ERR_PROOF: it has no seal yet, or is not what was sealed. ERR_CHECKPOINT, ERR_STORE, ERR_QUERY
 */
export async function prove(logId: string, { lookup, store, keys }: ProveOptions): Promise<Proof> {
  const [row] = [...(await lookup.rows(logId))].sort(compareRows);
  if (row === undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `no row has the log_id ${logId}`, {
      hint: 'Look it up: indelible query "SELECT log_id FROM conversations_history LIMIT 10"',
    });
  }
  const { seal, commit } = await sealOf(row, { lookup, store, keys });
  const leaf = leafData(row);
  const { index, proof: leafProof } = await proofInWindow(store, seal, leaf);
  const { before, entries, checkpoint } = commit.commit;
  const sealProof = inclusionProofAfter(
    new CompactRange(before.size, before.hashes),
    entries.map((entry) => leafHash(entry)),
    seal.logIndex,
  );
  const proof: Proof = {
    format: PROOF_FORMAT,
    entry: row.entry,
    leaf,
    leaf_index: index,
    leaf_proof: leafProof.map(base64),
    seal: seal.entry,
    seal_proof: sealProof.map(base64),
    checkpoint,
    keys: openNote(checkpoint, keysAt(keys, commit.sealedAt)).signedBy.map(formatVerifierKey),
  };
  // Whoever gets it will do the same.
  verifyProof(JSON.stringify(proof), keys);
  return proof;
}

/** The seal of a row's window: of those in the table, in which anybody may have written, the one that the log has. */
async function sealOf(
  row: RowIdentity,
  { lookup, store, keys }: ProveOptions,
): Promise<{ readonly seal: Seal; readonly commit: VerifiedCommit }> {
  for (const entry of await lookup.seals(row.table, row.ingestedAt)) {
    const number = commitNumberOf(entry);
    const commit = number === undefined ? undefined : await readCommit(store, keys, number);
    const seal = commit?.seals.find((candidate) => candidate.entry === entry);
    if (commit !== undefined && seal !== undefined) return { seal, commit };
  }
  throw notSealed(row);
}

/** Undefined when the entry is no seal. */
function commitNumberOf(entry: string): number | undefined {
  try {
    return parseSeal(entry).commitNumber;
  } catch (error) {
    if (IndelibleError.is(error) && error.code === "ERR_CHECKPOINT") return undefined;
    throw error;
  }
}

async function proofInWindow(
  store: ObjectStore,
  seal: Seal,
  leaf: string,
): Promise<{ readonly index: number; readonly proof: Buffer[] }> {
  const leaves = (await readLeaves(store, seal.rootHash)) ?? [];
  const index = leaves.indexOf(leaf);
  if (index >= 0) {
    const proof = inclusionProofPacked(packedLeaves(leaves), index);
    const root = Buffer.from(seal.rootHash, "hex");
    const claim = { index: BigInt(index), size: BigInt(leaves.length), leaf: leafHash(leaf), proof, root };
    if (includes(claim)) return { index, proof };
  }
  if (rootOfPacked(packedLeaves(leaves)).toString("hex") === seal.rootHash) {
    throw new IndelibleError("ERR_PROOF", "the row is not among those that were sealed", {
      hint: "Somebody has changed or added it. Run `indelible verify`: it says what differs.",
    });
  }
  throw new IndelibleError("ERR_PROOF", `the store has no list of leaves with the root ${seal.rootHash}`, {
    hint: "Without it no proof can be made. Run `indelible verify`: it checks the rows against the seals all the same.",
  });
}

function notSealed({ table, ingestedAt }: RowIdentity): IndelibleError {
  return new IndelibleError(
    "ERR_PROOF",
    `the row of ${table} from ${formatTimestamp(Number(ingestedAt))} is not sealed yet`,
    {
      hint: "The sealer takes rows that are a minute old; try again in two minutes. If nothing is sealed: indelible seal",
    },
  );
}

function compareRows(a: RowIdentity, b: RowIdentity): number {
  if (a.publishedAt !== b.publishedAt) return a.publishedAt < b.publishedAt ? -1 : 1;
  if (a.messageId !== b.messageId) return a.messageId < b.messageId ? -1 : 1;
  return a.ingestedAt < b.ingestedAt ? -1 : 1;
}

function base64(hash: Buffer): string {
  return hash.toString("base64");
}
