/** The text of a checkpoint, https://c2sp.org/tlog-checkpoint: what a log's signature is over. */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { decodeBase64 } from "./base64.ts";
import { EMPTY_ROOT, HASH_BYTES } from "./merkle.ts";

export interface Checkpoint {
  /** Which log it is of. */
  readonly origin: string;
  /** How many leaves, below 2^64. */
  readonly size: bigint;
  /** 32 bytes: the root of RFC 6962's tree. */
  readonly rootHash: Buffer;
}

const MAX_SIZE = 2n ** 64n - 1n;

/** Three lines. @throws ERR_CHECKPOINT when it is a checkpoint that `parseCheckpoint` would not read */
export function formatCheckpoint(checkpoint: Checkpoint): string {
  assertCheckpoint(checkpoint);
  const { origin, size, rootHash } = checkpoint;
  return `${origin}\n${size}\n${rootHash.toString("base64")}\n`;
}

/**
 * Reads the text of an opened note. Lines after the third are for others: they are signed, and otherwise without meaning here.
 * @throws ERR_CHECKPOINT
 */
export function parseCheckpoint(text: string): Checkpoint {
  const lines = text.split("\n");
  if (lines.pop() !== "" || lines.includes("")) throw refusal("it is not made of lines that are not empty");
  const [origin, digits, root] = lines;
  if (origin === undefined || digits === undefined || root === undefined)
    throw refusal("it has fewer than three lines");
  if (!/^(0|[1-9][0-9]{0,19})$/.test(digits)) throw refusal("its second line is not a size");
  const rootHash = decodeBase64(root);
  if (rootHash === undefined) throw refusal("its third line is not base64");
  const checkpoint = { origin, size: BigInt(digits), rootHash };
  assertCheckpoint(checkpoint);
  return checkpoint;
}

function assertCheckpoint({ origin, size, rootHash }: Checkpoint): void {
  if (origin === "" || origin.includes("\n")) throw refusal("its origin is not a line");
  if (size < 0n || size > MAX_SIZE) throw refusal(`its size, ${size}, is not below 2^64`);
  if (rootHash.length !== HASH_BYTES) throw refusal(`its root has ${rootHash.length} bytes instead of ${HASH_BYTES}`);
  if (size === 0n && !rootHash.equals(EMPTY_ROOT))
    throw refusal("it has no leaves, and not the root of the tree without leaves");
}

function refusal(reason: string): IndelibleError {
  return new IndelibleError("ERR_CHECKPOINT", `this is no checkpoint: ${reason}`);
}
