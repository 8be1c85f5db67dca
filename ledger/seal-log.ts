import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { commitName, parseCommit, type Commit } from "./commit.ts";
import { keysAt, type KeyList } from "./key-list.ts";
import { CompactRange, leafHash } from "./merkle.ts";
import { openNote } from "./note.ts";
import { latestNumber } from "./numbered.ts";
import type { ObjectStore } from "./object-store.ts";
import { readAhead } from "./read-ahead.ts";
import { parseSeal, type Seal } from "./seal-entry.ts";

/** A commit of the store whose signatures and tree hold. */
export interface VerifiedCommit {
  readonly commit: Commit;
  readonly seals: readonly Seal[];
  readonly checkpoint: Checkpoint;
  /** The tree after it. */
  readonly tree: CompactRange;
  /** Microseconds since 1970. */
  readonly sealedAt: bigint;
}

/** The commit with this number; undefined when the store does not have it. @throws ERR_CHECKPOINT when it does not hold, ERR_STORE */
export async function readCommit(
  store: ObjectStore,
  keys: KeyList,
  number: number,
): Promise<VerifiedCommit | undefined> {
  const data = await store.read(commitName(number));
  if (data === undefined) return undefined;
  const commit = parseCommit(data);
  if (commit.number !== number) throw refusal(number, `it says that it is number ${commit.number}`);
  return verifyCommit(commit, keys);
}

/** The newest commit; undefined when there is none yet. @throws as {@link readCommit} */
export async function latestCommit(store: ObjectStore, keys: KeyList): Promise<VerifiedCommit | undefined> {
  const number = await latestNumber(store, commitName);
  return number === undefined ? undefined : readCommit(store, keys, number);
}

/** @throws ERR_CHECKPOINT when its checkpoint is not over its tree, or no key that is valid for its time has signed it */
export function verifyCommit(commit: Commit, keys: KeyList): VerifiedCommit {
  const { number, before, entries } = commit;
  const seals = entries.map(parseSeal);
  const sealedAt = seals.reduce((latest, seal) => (seal.sealedAt > latest ? seal.sealedAt : latest), 0n);
  const { text, signedBy, bad } = openNote(commit.checkpoint, keysAt(keys, sealedAt));
  if (signedBy.length === 0 || bad.length > 0) throw refusal(number, "no key that was valid then has signed it");
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== keys.origin) throw refusal(number, `it is of the log ${checkpoint.origin}`);
  const tree = new CompactRange(before.size, before.hashes);
  for (const entry of entries) tree.append(leafHash(entry));
  if (tree.size !== checkpoint.size || !tree.root().equals(checkpoint.rootHash)) {
    throw refusal(number, "its checkpoint is not over its entries");
  }
  for (const [at, seal] of seals.entries()) {
    if (seal.logIndex !== before.size + BigInt(at) || seal.commitNumber !== number) {
      throw refusal(number, `its entry ${at} is of another place`);
    }
  }
  return { commit, seals, checkpoint, tree, sealedAt };
}

/** A table that has no seal in so many commits is either new, or not there. */
const NEAR_COMMITS = 64;

/**
 * Where the next window of each table starts: at the end of its last seal, which is looked for from the newest commit backwards. As each
 * table has a seal every heartbeat, that is not far, except for a table that is new. One that `isThere` says is not is left out: the whole log
 * would be read for it in every run.
 *
 * @throws as {@link readCommit}, and what `isThere` throws
 */
export async function nextStarts(
  store: ObjectStore,
  keys: KeyList,
  latest: VerifiedCommit | undefined,
  tables: readonly TableName[],
  isThere: (table: TableName) => Promise<boolean>,
): Promise<ReadonlyMap<TableName, bigint>> {
  const starts = new Map<TableName, bigint>();
  const wanted = new Set(tables);
  let near = NEAR_COMMITS;
  for await (const { seals } of backwards(store, keys, latest)) {
    for (const { table, window } of seals.toReversed()) if (wanted.delete(table)) starts.set(table, window.end);
    near -= 1;
    if (near === 0) for (const table of wanted) if (!(await isThere(table))) wanted.delete(table);
    if (wanted.size === 0) break;
  }
  for (const table of wanted) starts.set(table, 0n);
  return starts;
}

/** The newest commit, and those before it, from the newest on. @throws as {@link readCommit}, also when one is missing */
async function* backwards(
  store: ObjectStore,
  keys: KeyList,
  latest: VerifiedCommit | undefined,
): AsyncGenerator<VerifiedCommit, void, undefined> {
  if (latest === undefined) return;
  yield latest;
  yield* readAhead(below(latest.commit.number), async (number) => {
    const commit = await readCommit(store, keys, number);
    if (commit === undefined) throw refusal(number, "it is missing");
    return commit;
  });
}

function* below(number: number): Generator<number> {
  for (let next = number - 1; next >= 0; next -= 1) yield next;
}

function refusal(number: number, why: string): IndelibleError {
  return new IndelibleError("ERR_CHECKPOINT", `commit ${number} of the seal log does not hold: ${why}`);
}
