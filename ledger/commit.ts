import { IndelibleError } from "@indelible/schemas/errors.ts";

/**
 * One object of the checkpoint store: the seals that a sealer has added at once, and the checkpoint of the log with them. Commits
 * are numbered from 0 without gaps, and to create one is what decides: of two sealers at once, one creates number n and the other none.
 */
export interface Commit {
  readonly number: number;
  /** A signed note over the tree that the entries are a part of. */
  readonly checkpoint: string;
  /** The tree before them: how many leaves, and the roots of its perfect subtrees, the largest first (a compact range). */
  readonly before: { readonly size: bigint; readonly hashes: readonly Buffer[] };
  /** At least one: seals, as canonical JSON. */
  readonly entries: readonly string[];
}

const FORMAT = "indelible-commit/1";
const DIGITS = 12;

/** Where the commits stand in the store. */
export const COMMITS = "commits/";

export function commitName(number: number): string {
  return `${COMMITS}${String(number).padStart(DIGITS, "0")}`;
}

export function serializeCommit({ number, checkpoint, before, entries }: Commit): Buffer {
  const hashes = before.hashes.map((hash) => hash.toString("base64"));
  const value = {
    format: FORMAT,
    number,
    checkpoint,
    before: { size: String(before.size), hashes },
    entries,
  };
  return Buffer.from(`${JSON.stringify(value, undefined, 1)}\n`);
}

/** @throws ERR_CHECKPOINT when it is no commit */
export function parseCommit(data: Uint8Array): Commit {
  try {
    const value = JSON.parse(Buffer.from(data).toString()) as { readonly [key: string]: unknown };
    const { format, number, checkpoint, before, entries } = value;
    if (format !== FORMAT) throw new Error(`its format is not ${FORMAT}`);
    if (typeof number !== "number" || typeof checkpoint !== "string" || !isTexts(entries) || entries.length === 0) {
      throw new Error("a part is missing");
    }
    const { size, hashes } = before as { readonly size: unknown; readonly hashes: unknown };
    if (typeof size !== "string" || !/^(0|[1-9]\d{0,19})$/.test(size) || !isTexts(hashes)) {
      throw new Error("the tree before it is missing");
    }
    const parsed = hashes.map((text) => Buffer.from(text, "base64"));
    if (parsed.some((hash) => hash.length !== 32)) throw new Error("a hash does not have 32 bytes");
    return { number, checkpoint, before: { size: BigInt(size), hashes: parsed }, entries };
  } catch (cause) {
    throw new IndelibleError("ERR_CHECKPOINT", "an object of the checkpoint store is not a commit", { cause });
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
