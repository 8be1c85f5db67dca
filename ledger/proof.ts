/**
 * A proof that an entry is in the log, as a file that anybody can check offline with nothing but the public key of the log: SPEC.md, §9.
 *
 *     entry -> entry_hash -> leaf -> root of the window -> seal -> root of the seal log -> signature
 */
import { entryHash } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { keysAt, type KeyList } from "./key-list.ts";
import { leafData, type RowIdentity } from "./leaf.ts";
import { parseLeaf } from "./leaves.ts";
import { HASH_BYTES, includes, leafHash } from "./merkle.ts";
import { formatVerifierKey, openNote, parseVerifierKey } from "./note.ts";
import { parseSeal, type Seal } from "./seal-entry.ts";

export const PROOF_FORMAT = "indelible-proof/1";

/** The file, as JSON. Hashes are base64. */
export interface Proof {
  readonly format: typeof PROOF_FORMAT;
  /** The entry, canonical JSON. */
  readonly entry: string;
  /** The identity of its row, canonical JSON: the data of its leaf. */
  readonly leaf: string;
  /** Its position among the leaves of its window, from 0. */
  readonly leaf_index: number;
  /** From the leaf to the root of the window, the lowest first. */
  readonly leaf_proof: readonly string[];
  /** The seal of the window, canonical JSON: a leaf of the seal log. */
  readonly seal: string;
  /** From the seal to the root of the seal log. */
  readonly seal_proof: readonly string[];
  /** A signed note over the seal log. */
  readonly checkpoint: string;
  /** The keys that the checkpoint is signed with, for comparison with those that the reader has from elsewhere. */
  readonly keys: readonly string[];
}

/** What a proof shows. Times in microseconds since 1970. */
export interface ProvenEntry {
  readonly row: RowIdentity;
  readonly entry: string;
  readonly seal: Seal;
  readonly checkpoint: Checkpoint;
  /** The key that signed it. */
  readonly signedBy: string;
}

const MAX_PROOF = 64;

/**
 * Checks a proof.
 *
 * @param text the file
 * @param keys those that the reader trusts. Without them the proof's own keys are used: then it shows that it is consistent, and nothing
 *   about who made it
 * @throws ERR_PROOF, saying which step does not hold
 */
export function verifyProof(text: string, keys: KeyList | undefined): ProvenEntry {
  const proof = parseProof(text);
  const row = identityOf(proof.leaf);
  step(entryHash(proof.entry) === row.entryHash, "the entry does not have the hash of its row");
  step(logIdOf(proof.entry) === row.logId, "the entry has another log_id than its row");
  const seal = sealOf(proof.seal);
  step(seal.table === row.table, `the seal is of ${seal.table} and the row of ${row.table}`);
  step(
    row.ingestedAt >= seal.window.start && row.ingestedAt < seal.window.end,
    "the row does not lie in the window of the seal",
  );
  step(
    includes({
      index: BigInt(proof.leaf_index),
      size: BigInt(seal.rowCount),
      leaf: leafHash(proof.leaf),
      proof: hashesOf(proof.leaf_proof),
      root: Buffer.from(seal.rootHash, "hex"),
    }),
    "the row does not lead to the root of its window",
  );
  const { checkpoint, signedBy } = openCheckpoint(proof, seal, keys);
  step(
    includes({
      index: seal.logIndex,
      size: checkpoint.size,
      leaf: leafHash(proof.seal),
      proof: hashesOf(proof.seal_proof),
      root: checkpoint.rootHash,
    }),
    "the seal does not lead to the root of the seal log",
  );
  return { row, entry: proof.entry, seal, checkpoint, signedBy };
}

function openCheckpoint(
  { checkpoint: note, keys: own }: Proof,
  seal: Seal,
  keys: KeyList | undefined,
): { readonly checkpoint: Checkpoint; readonly signedBy: string } {
  const trusted = keys === undefined ? attempt(() => own.map(parseVerifierKey)) : keysAt(keys, seal.sealedAt);
  const { text, signedBy, bad } = attempt(() => openNote(note, trusted));
  const [key] = signedBy;
  if (key === undefined || bad.length > 0) {
    throw refusal(
      keys === undefined
        ? "the checkpoint is not signed by the key that the proof names"
        : "the checkpoint is not signed by a key that is trusted for the time of the seal",
    );
  }
  const checkpoint = attempt(() => parseCheckpoint(text));
  step(keys === undefined || checkpoint.origin === keys.origin, `the checkpoint is of the log ${checkpoint.origin}`);
  return { checkpoint, signedBy: formatVerifierKey(key) };
}

function parseProof(text: string): Proof {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refusal("the file is not JSON", cause);
  }
  if (typeof value !== "object" || value === null || !("format" in value) || value.format !== PROOF_FORMAT) {
    throw refusal(`the file does not have the format ${PROOF_FORMAT}`);
  }
  const proof = value as { readonly [name: string]: unknown };
  for (const name of ["entry", "leaf", "seal", "checkpoint"]) {
    step(typeof proof[name] === "string", `${name} is missing`);
  }
  for (const name of ["leaf_proof", "seal_proof", "keys"]) {
    const list = proof[name];
    step(Array.isArray(list) && list.every((item) => typeof item === "string"), `${name} is not a list of texts`);
    step((list as readonly string[]).length <= MAX_PROOF, `${name} has more than ${MAX_PROOF} members`);
  }
  step(Number.isSafeInteger(proof["leaf_index"]), "leaf_index is not a whole number");
  return value as Proof;
}

function identityOf(leaf: string): RowIdentity {
  const identity = attempt(() => parseLeaf(leaf));
  step(leafData(identity) === leaf, "the leaf is not the canonical JSON of a row's identity");
  return identity;
}

function sealOf(text: string): Seal {
  return attempt(() => parseSeal(text));
}

function logIdOf(entry: string): unknown {
  const value = attempt(() => JSON.parse(entry) as unknown);
  return typeof value === "object" && value !== null && "log_id" in value ? value.log_id : undefined;
}

function hashesOf(texts: readonly string[]): Buffer[] {
  return texts.map((text) => {
    const hash = Buffer.from(text, "base64");
    step(hash.length === HASH_BYTES && hash.toString("base64") === text, "a hash is not 32 bytes in base64");
    return hash;
  });
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function step(holds: boolean, otherwise: string): void {
  if (!holds) throw refusal(otherwise);
}

function refusal(message: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_PROOF", message, { cause });
}
