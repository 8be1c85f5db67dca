/**
 * The sealer: closes windows of `ingested_at` and adds their roots to the seal log.
 *
 *     read what is closed -> compute windows -> keep their leaves -> read and compute again -> sign -> commit -> witness -> rows
 *
 * The commit is what decides: it is created or it is not, and of several sealers at once one creates it. All before it may be done again
 * harmlessly, and what stands after it is made up for by the next run: it begins with what the last commit left undone.
 */
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { derivedId } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { formatCheckpoint } from "./checkpoint.ts";
import { commitName, serializeCommit, type Commit } from "./commit.ts";
import { readRange } from "./identities.ts";
import type { KeyList } from "./key-list.ts";
import { writeLeaves } from "./leaves.ts";
import { CompactRange, consistencyProof, leafHash } from "./merkle.ts";
import { signNote } from "./note.ts";
import type { ObjectStore } from "./object-store.ts";
import type { RowReader } from "./row-reader.ts";
import { latestCommit, nextStarts, readCommit, verifyCommit, type VerifiedCommit } from "./seal-log.ts";
import { commitWithRow, type SealRows } from "./seal-rows.ts";
import { sealableWindows, type SealableWindow } from "./sealing/sealable.ts";
import { leavesHashOf } from "./sealing/windows.ts";
import type { Signer } from "./signer.ts";
import type { Witness, WitnessedCheckpoint } from "./witness.ts";

/** Longer than an append can last from the stamping of its rows (20 s), with room for clocks that differ. */
export const DEFAULT_MARGIN_MS = 60_000;
/** A table without rows is sealed this often, so that a silent sealer can be told from a silent fleet. */
export const DEFAULT_HEARTBEAT_MS = 600_000;
/** A proof of one of so many rows is made within some 50 ms. */
const MAX_WINDOW_ROWS = 16_384;
/** Some 40 MB. */
const MAX_ROWS_READ = 65_536;
/** Some 3 MB of seals. */
const MAX_SEALS = 4096;
/** Checkpoints that a witness is shown in one run. */
const MAX_SHOWN = 100;

export interface SealOptions {
  readonly reader: RowReader;
  readonly store: ObjectStore;
  readonly keys: KeyList;
  /** Those valid now. They all sign. At least one. */
  readonly signers: readonly Signer[];
  readonly rows: SealRows;
  readonly witness?: Witness | undefined;
  /** Default: every table but the seals. */
  readonly tables?: readonly TableName[];
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** A window is closed this long after its end. Default 60,000; not below it where others append. */
  readonly marginMs?: number;
  /** Default 600,000. */
  readonly heartbeatMs?: number;
  readonly maxWindowRows?: number;
  readonly maxRowsRead?: number;
  /** Of one commit. */
  readonly maxSeals?: number;
  /** Told after each window that was read. */
  readonly onProgress?: (rows: number) => void;
  readonly signal?: AbortSignal;
}

/** What a run did. */
export interface SealReport {
  /** Undefined: nothing was to be sealed. */
  readonly commitNumber: number | undefined;
  /** Leaves of the seal log now. */
  readonly logSize: bigint;
  readonly seals: number;
  readonly rows: number;
  /** Whether there was more than fits into one commit: run again. */
  readonly more: boolean;
  /** What the witness did not take, which the next run tries again: sealing does not wait for it. */
  readonly witnessFailure: unknown;
}

/**
 * Seals what is closed. Safe to run at any time, again, and several times at once.
 *
 * @throws ERR_CLOCK, ERR_CHECKPOINT (the log is not what it should be: nothing is put on top), ERR_UNSTABLE, ERR_SEAL_CONFLICT, ERR_READ,
 *   ERR_STORE, ERR_KEY, and what the appender throws
 */
export async function seal(options: SealOptions): Promise<SealReport> {
  const { store, keys, rows, witness, now = Date.now, signal } = options;
  // The witness first: what it has seen by then the store has, though another sealer goes on meanwhile.
  const seen = await lastSeen(witness);
  const latest = await latestCommit(store, keys);
  const sealedAt = BigInt(Math.floor(now())) * 1000n;
  if (latest !== undefined && sealedAt < latest.sealedAt) {
    throw new IndelibleError(
      "ERR_CLOCK",
      `the clock says ${instant(sealedAt)}, and the last seal was made at ${instant(latest.sealedAt)}`,
    );
  }
  refuseRollback(seen, latest);
  const named =
    latest === undefined
      ? await commitWithRow(options.reader, keys.origin, signal)
      : await rows.complete(latest, signal);
  if (named !== undefined) await refuseLostCommit(store, named);
  const windows = await closedWindows(options, latest, sealedAt);
  if (windows.length === 0) {
    const witnessFailure = latest === undefined ? undefined : await show(options, latest);
    return {
      commitNumber: undefined,
      logSize: latest?.tree.size ?? 0n,
      seals: 0,
      rows: 0,
      more: false,
      witnessFailure,
    };
  }
  await recompute(options, windows);
  const committed = await commit(options, latest, windows, sealedAt);
  const witnessFailure = await show(options, committed);
  await rows.append(committed);
  return {
    commitNumber: committed.commit.number,
    logSize: committed.tree.size,
    seals: windows.length,
    rows: windows.reduce((sum, { rowCount }) => sum + rowCount, 0),
    more: windows.length === (options.maxSeals ?? MAX_SEALS),
    witnessFailure,
  };
}

/** A window without its leaves, which are in the store by now. */
type ReadyWindow = Omit<SealableWindow, "leaves">;

async function closedWindows(
  options: SealOptions,
  latest: VerifiedCommit | undefined,
  sealedAt: bigint,
): Promise<ReadyWindow[]> {
  const { reader, store, keys, tables = sealedTables, maxSeals = MAX_SEALS, signal, onProgress } = options;
  const until = sealedAt - BigInt(options.marginMs ?? DEFAULT_MARGIN_MS) * 1000n;
  const isThere = async (table: TableName): Promise<boolean> =>
    (await reader.read({ table, columns: ["log_id"], from: until, until, signal })) !== undefined;
  const starts = await nextStarts(store, keys, latest, tables, isThere);
  const ready: ReadyWindow[] = [];
  for (const table of tables) {
    const from = starts.get(table);
    if (from === undefined) continue;
    const windows = sealableWindows(
      { table, from, until },
      {
        reader,
        maxRowsRead: options.maxRowsRead ?? MAX_ROWS_READ,
        maxWindowRows: options.maxWindowRows ?? MAX_WINDOW_ROWS,
        heartbeat: BigInt(options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS) * 1000n,
        signal,
      },
    );
    for await (const { leaves, ...window } of windows) {
      if (leaves.length > 0) await writeLeaves(store, window.rootHash, leaves);
      ready.push(window);
      onProgress?.(window.rowCount);
      if (ready.length === maxSeals) return ready;
    }
  }
  return ready;
}

/** Reads every window again: what is signed has been seen twice. @throws ERR_UNSTABLE */
async function recompute(options: SealOptions, windows: readonly ReadyWindow[]): Promise<void> {
  const { reader, signal, maxRowsRead = MAX_ROWS_READ } = options;
  for (const group of groupsOf(windows, maxRowsRead)) {
    const [first, last] = [group[0] as ReadyWindow, group.at(-1) as ReadyWindow];
    const rowCount = group.reduce((sum, window) => sum + window.rowCount, 0);
    const range = await readRange(
      reader,
      first.table,
      { from: first.start, until: last.end, maxRows: rowCount },
      signal,
    );
    let at = 0;
    for (const window of group) {
      if (range.kind === "no table") throw unstable(window, "no");
      if (range.kind === "too many") throw unstable(window, "more");
      const end = at + window.rowCount;
      const leaves = range.rows.slice(at, end);
      const isWithin = leaves.length === window.rowCount && leaves.every(({ ingestedAt }) => ingestedAt < window.end);
      if (!isWithin || leavesHashOf(leaves) !== window.leavesHash) throw unstable(window, "other");
      at = end;
    }
  }
}

/** Consecutive windows of one table with together at most `maxRows` rows, or one window. */
function* groupsOf(windows: readonly ReadyWindow[], maxRows: number): Generator<ReadyWindow[]> {
  let group: ReadyWindow[] = [];
  let rowCount = 0;
  for (const window of windows) {
    if (group.length > 0 && (group[0]?.table !== window.table || rowCount + window.rowCount > maxRows)) {
      yield group;
      group = [];
      rowCount = 0;
    }
    group.push(window);
    rowCount += window.rowCount;
  }
  if (group.length > 0) yield group;
}

function unstable({ table, start, end }: ReadyWindow, what: string): IndelibleError {
  return new IndelibleError(
    "ERR_UNSTABLE",
    `${table} had ${what} rows from ${instant(start)} to ${instant(end)} when they were read again`,
  );
}

async function commit(
  { store, keys, signers }: SealOptions,
  latest: VerifiedCommit | undefined,
  windows: readonly ReadyWindow[],
  sealedAt: bigint,
): Promise<VerifiedCommit> {
  const before = latest?.tree ?? new CompactRange();
  const number = (latest?.commit.number ?? -1) + 1;
  const entries = windows.map((window, at) =>
    entryOf(window, { origin: keys.origin, number, logIndex: before.size + BigInt(at), sealedAt }),
  );
  const tree = before.copy();
  for (const entry of entries) tree.append(leafHash(entry));
  const text = formatCheckpoint({ origin: keys.origin, size: tree.size, rootHash: tree.root() });
  const made: Commit = { number, checkpoint: await signNote(text, signers), before, entries };
  // A key that the list does not have, or not for now, would be found by the next run, when it is too late.
  const verified = verifyCommit(made, keys);
  if (!(await store.create(commitName(number), serializeCommit(made)))) {
    throw new IndelibleError("ERR_SEAL_CONFLICT", `another sealer has made commit ${number} meanwhile`);
  }
  return verified;
}

function entryOf(
  { table, start, end, rowCount, rootHash, readSession }: ReadyWindow,
  place: { readonly origin: string; readonly number: number; readonly logIndex: bigint; readonly sealedAt: bigint },
): string {
  const { origin, number, logIndex, sealedAt } = place;
  return canonicalize({
    log_id: derivedId("seal", origin, String(logIndex)),
    seal_id: `${origin}#${logIndex}`,
    table_name: table,
    window_start: instant(start),
    window_end: instant(end),
    row_count: rowCount,
    root_hash: rootHash,
    log_index: logIndex,
    checkpoint_number: number,
    sealed_at: instant(sealedAt),
    read_session: readSession,
  });
}

/** Undefined also when the witness cannot be reached: sealing does not wait for it. What it holds that the log has not signed is an error. */
async function lastSeen(witness: Witness | undefined): Promise<WitnessedCheckpoint | undefined> {
  try {
    return await witness?.latest();
  } catch (error) {
    if (IndelibleError.is(error) && error.retryable) return undefined;
    throw error;
  }
}

/** A witness that has seen more than the store has says that the store was set back. */
function refuseRollback(witnessed: WitnessedCheckpoint | undefined, latest: VerifiedCommit | undefined): void {
  const seen = witnessed?.checkpoint;
  if (seen === undefined || seen.size <= (latest?.tree.size ?? 0n)) return;
  throw new IndelibleError(
    "ERR_CHECKPOINT",
    `the witness has seen ${seen.size} seals, and the store has ${latest?.tree.size ?? 0n}: the store was set back`,
  );
}

/**
 * A commit that was not there a moment ago has rows: they are appended after it, so that by now the store has it, made by another sealer; or
 * it is not the store that it was. Whoever sealed then would sign a second history.
 */
async function refuseLostCommit(store: ObjectStore, number: number): Promise<never> {
  if (await store.has(commitName(number))) {
    throw new IndelibleError("ERR_SEAL_CONFLICT", `another sealer has made commit ${number} meanwhile`);
  }
  throw new IndelibleError(
    "ERR_CHECKPOINT",
    `table seals has rows of commit ${number}, and the store ${store.location} does not have it: it was set back, or is another one`,
    {
      hint: "Mount or restore the store: nothing is sealed until then, and nothing is lost. If it is lost for good, begin a log of another origin (INDELIBLE_LEDGER_ORIGIN). If the store is whole, somebody has written the row: `indelible verify` names it.",
    },
  );
}

/**
 * Shows the witness the checkpoints that it has not seen, in order: one commit is held at a time, and at most {@link MAX_SHOWN} are shown, so that
 * sealing goes on meanwhile. A new witness of a long log begins with the last ones, which vouch for all that came before.
 *
 * @returns why it could not
 */
async function show(options: SealOptions, newest: VerifiedCommit): Promise<unknown> {
  const { witness } = options;
  if (witness === undefined) return undefined;
  try {
    const seen = (await witness.latest())?.checkpoint;
    const size = seen?.size ?? 0n;
    // Of another sealer's, which has gone on meanwhile. Another tree of the same size is for the witness to refuse.
    if (size > newest.tree.size || seen?.rootHash.equals(newest.tree.root()) === true) return undefined;
    const last = newest.commit.number;
    const first = await firstUnseen(options, newest, size);
    for (let number = first; number <= last && number < first + MAX_SHOWN; number += 1) {
      await showOne(witness, number === last ? newest : await commitAt(options, number));
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Number of the first commit whose tree has more than `seen` leaves: the newest, as a rule, else searched by halves. */
async function firstUnseen(options: SealOptions, newest: VerifiedCommit, seen: bigint): Promise<number> {
  if (seen === 0n) return Math.max(0, newest.commit.number - MAX_SHOWN + 1);
  if (newest.commit.before.size <= seen) return newest.commit.number;
  let [seenBelow, unseen] = [0, newest.commit.number - 1];
  while (seenBelow < unseen) {
    const middle = Math.floor((seenBelow + unseen) / 2);
    if ((await commitAt(options, middle)).tree.size > seen) unseen = middle;
    else seenBelow = middle + 1;
  }
  return unseen;
}

async function commitAt({ store, keys }: SealOptions, number: number): Promise<VerifiedCommit> {
  const commit = await readCommit(store, keys, number);
  if (commit === undefined) throw new IndelibleError("ERR_CHECKPOINT", `commit ${number} was there and is gone`);
  return commit;
}

async function showOne(witness: Witness, { commit, sealedAt }: VerifiedCommit): Promise<void> {
  const { checkpoint, before, entries } = commit;
  const added = entries.map((entry) => leafHash(entry));
  const proof = before.size === 0n ? [] : consistencyProof(new CompactRange(before.size, before.hashes), added);
  await witness.add(checkpoint, sealedAt, proof, before.size);
}

function instant(micros: bigint): string {
  return formatTimestamp(Number(micros));
}
