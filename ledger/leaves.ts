import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import type { ObjectStore } from "./object-store.ts";
import type { RowIdentity } from "./leaf.ts";

/**
 * Beside each seal stands the list of its leaves: the identities of its rows, by which `verify` says which row it is that differs, and
 * `prove` makes a proof without reading the window. A list is named by the root of its tree and believed only when it has that root.
 */
export function leavesName(rootHash: string): string {
  return `leaves/${rootHash}`;
}

/** At most this much of a list is decompressed. */
const MAX_BYTES = 512 * 1024 * 1024;

/** `leaves`: canonical JSON of identities, in the order of the tree. One a line, compressed with zstd. */
export async function writeLeaves(store: ObjectStore, rootHash: string, leaves: readonly string[]): Promise<void> {
  const data = await promisify(zstdCompress)(Buffer.from(leaves.map((leaf) => `${leaf}\n`).join("")));
  await store.create(leavesName(rootHash), data);
}

/** The leaves under this root, which the caller compares; undefined when there is no list, or it is damaged. */
export async function readLeaves(store: ObjectStore, rootHash: string): Promise<string[] | undefined> {
  const data = await store.read(leavesName(rootHash));
  if (data === undefined) return undefined;
  try {
    const text = await promisify(zstdDecompress)(data, { maxOutputLength: MAX_BYTES });
    return text.toString().split("\n").slice(0, -1);
  } catch {
    return undefined;
  }
}

/** @throws ERR_CHECKPOINT when it is no leaf */
export function parseLeaf(leaf: string): RowIdentity {
  try {
    const value = JSON.parse(leaf) as { readonly [key: string]: unknown };
    const table = sealedTables.find((name) => name === value["table"]);
    if (table === undefined) throw new Error("there is no such table");
    return {
      table,
      logId: String(value["log_id"]),
      entryHash: String(value["entry_hash"]),
      publishedAt: integer(leaf, "published_at"),
      messageId: String(value["message_id"]),
      ingestedAt: integer(leaf, "ingested_at"),
    };
  } catch (cause) {
    throw new IndelibleError("ERR_CHECKPOINT", "a leaf is not the identity of a row", { cause });
  }
}

/** From the text, because a forged time may be beyond what a double holds exactly. */
function integer(leaf: string, name: string): bigint {
  const text = new RegExp(`"${name}":(-?\\d{1,19})[,}]`).exec(leaf)?.[1];
  if (text === undefined) throw new Error(`it has no ${name}`);
  return BigInt(text);
}
