/** Holds the rows of a window against its seal, and says which of them it is that differs. */
import { readLeaves } from "../leaves.ts";
import { packedLeaves, rootOfPacked } from "../merkle.ts";
import type { Finding } from "../findings.ts";
import { expiresAt, retentionMsOf } from "./retention.ts";
import { named, type Member } from "./rows.ts";
import { shown } from "./checkpoints.ts";
import type { SealedWindow } from "./seal-index.ts";
import { timeText } from "./time.ts";
import type { WindowResult, WindowsOptions } from "./windows.ts";

type Place = Pick<Finding, "table" | "window" | "logIndex">;

export async function compareWindow(
  window: SealedWindow,
  members: readonly Member[],
  options: WindowsOptions,
): Promise<WindowResult["outcome"]> {
  const ordered = inOrder(members);
  if (
    hasRoot(
      ordered.map(({ leaf }) => leaf),
      window,
    )
  )
    return "verified";
  const { table, findings, store, now } = options;
  const place: Place = { table, window: { start: window.start, end: window.end }, logIndex: window.logIndex };
  if (members.length === 0 && expiresAt(window.start, retentionMsOf(table)) <= now()) {
    findings.add({
      ...place,
      code: "expired",
      message: `${window.rowCount} rows are gone because their retention is over`,
    });
    return "expired";
  }
  const sealed = window.rowCount === 0 ? [] : await readLeaves(store, window.root.toString("hex"));
  if (sealed === undefined || !hasRoot(sealed, window)) {
    const message = `it was sealed with ${window.rowCount} rows and has ${members.length}; there is no list of its leaves that has the sealed root`;
    findings.add({ ...place, code: "window-differs", message });
    return "differs";
  }
  if (!differences(sealed, ordered, place, options)) {
    // The same leaves, and another root: they were sealed in another order, or the window was sealed wrongly.
    findings.add({
      ...place,
      code: "window-differs",
      message: "its rows are the sealed ones, and do not have the sealed root",
    });
  }
  return "differs";
}

/** By (ingested_at, log_id, leaf), texts by their UTF-16 code units: the order of the tree. */
function inOrder(members: readonly Member[]): Member[] {
  return members.toSorted(
    (a, b) => a.ingestedAt - b.ingestedAt || compare(a.logId, b.logId) || compare(a.leaf, b.leaf),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hasRoot(leaves: readonly string[], { rowCount, root }: SealedWindow): boolean {
  return leaves.length === rowCount && rootOfPacked(packedLeaves(leaves)).equals(root);
}

/** Reports how the rows differ from the sealed ones; false when they do not. */
function differences(
  leaves: readonly string[],
  members: readonly Member[],
  place: Place,
  { table, findings, moves }: WindowsOptions,
): boolean {
  const expected = new Map<string, number>();
  for (const leaf of leaves) expected.set(leaf, (expected.get(leaf) ?? 0) + 1);
  const others: Member[] = [];
  for (const member of members) {
    const left = expected.get(member.leaf) ?? 0;
    if (left > 0) expected.set(member.leaf, left - 1);
    else others.push(member);
  }
  const gone = goneOf(expected);
  const isSame = others.length === 0 && gone.size === 0;
  for (const member of others) {
    const of = { ...place, ...named(member.logId) };
    if (expected.has(member.leaf)) {
      findings.add({ ...of, code: "duplicated", message: "the row that was sealed is there more often than it was" });
      continue;
    }
    const row = fieldsOf(member.leaf);
    const sealed = take(gone, member.logId, row.entry_hash);
    if (sealed === undefined) {
      const ingestedAt = BigInt(member.ingestedAt);
      moves.addExtra({ ...place, table, logId: member.logId, entryHash: row.entry_hash, ingestedAt });
    } else if (sealed.entry_hash === row.entry_hash && sealed.ingested_at !== row.ingested_at) {
      findings.add({ ...of, code: "moved", message: changes(sealed, row) });
    } else if (!member.isReported) {
      findings.add({ ...of, code: "modified", message: changes(sealed, row) });
    }
  }
  for (const { log_id: logId, entry_hash: entryHash, ingested_at: time } of [...gone.values()].flat()) {
    moves.addMissing({ ...place, table, logId, entryHash, ingestedAt: BigInt(time) });
  }
  return !isSame;
}

/** A leaf's members. Times are texts: a forged one may be beyond what a double holds exactly. */
interface Fields {
  readonly log_id: string;
  readonly entry_hash: string;
  readonly message_id: string;
  readonly published_at: string;
  readonly ingested_at: string;
}

function fieldsOf(leaf: string): Fields {
  const time = (name: string): string => new RegExp(`"${name}":(-?\\d+)[,}]`).exec(leaf)?.[1] ?? "0";
  const values = JSON.parse(leaf) as Omit<Fields, "published_at" | "ingested_at">;
  return { ...values, published_at: time("published_at"), ingested_at: time("ingested_at") };
}

/** The sealed rows that are not there, by their `log_id`. */
function goneOf(expected: ReadonlyMap<string, number>): Map<string, Fields[]> {
  const gone = new Map<string, Fields[]>();
  for (const [leaf, count] of expected) {
    for (let left = count; left > 0; left -= 1) {
      const fields = fieldsOf(leaf);
      const same = gone.get(fields.log_id);
      if (same === undefined) gone.set(fields.log_id, [fields]);
      else same.push(fields);
    }
  }
  return gone;
}

/** The sealed row that this one has been: with the same entry, if there is one. */
function take(gone: Map<string, Fields[]>, logId: string, entryHash: string): Fields | undefined {
  const same = gone.get(logId);
  if (same === undefined) return undefined;
  const at = Math.max(
    0,
    same.findIndex((fields) => fields.entry_hash === entryHash),
  );
  const [taken] = same.splice(at, 1);
  if (same.length === 0) gone.delete(logId);
  return taken;
}

const compared = ["entry_hash", "published_at", "message_id", "ingested_at"] as const;

function changes(sealed: Fields, row: Fields): string {
  const text = (name: (typeof compared)[number], fields: Fields): string => {
    const value = fields[name];
    return name.endsWith("_at") ? timeText(BigInt(value)) : shown(value);
  };
  return compared
    .filter((name) => sealed[name] !== row[name])
    .map((name) => `${name} was ${text(name, sealed)} when it was sealed and is ${text(name, row)}`)
    .join("; ");
}
