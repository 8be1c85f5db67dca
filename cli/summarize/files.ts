import { lstat, readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { codeOf, makeFolder, replaceFile } from "@indelible/ledger/durable-file.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { messageOf } from "../terminal/failure.ts";
import { blockOf, placeBlock } from "./block.ts";

/** A file that is to have a block. */
export interface Draft {
  /** Its name in the folder. */
  readonly file: string;
  /** What the block is called. */
  readonly name: string;
  /** Markdown. */
  readonly content: string;
}

export interface Outcome {
  readonly file: string;
  /** `changed`: it would be written, were it not a dry run. */
  readonly status: "written" | "changed" | "unchanged" | "failed";
  /** Lines that came and went. */
  readonly added: number;
  readonly removed: number;
  readonly error: unknown;
}

/** Writes a file as a whole or not at all, as `replaceFile` does. */
export type Replace = (path: string, data: Uint8Array, mode: number) => Promise<void>;

/** Of a larger file somebody else is the author. */
const maxBytes = 16 * 1024 * 1024;
const newFileMode = 0o644;
const newFolderMode = 0o755;

/**
 * Puts each draft into its file: only the block is replaced, and only where it differs; a reader and a crash find the old file or the new
 * one. One that fails stays as it was and does not keep the others from being written.
 *
 * @param folder made where it is missing
 * @throws ERR_CONFIG when there can be no such folder
 */
export async function writeDrafts(
  folder: string,
  drafts: readonly Draft[],
  { isDryRun, replace = replaceFile }: { readonly isDryRun: boolean; readonly replace?: Replace },
): Promise<Outcome[]> {
  if (!isDryRun)
    await makeFolder(resolve(folder), newFolderMode).catch((error: unknown) =>
      Promise.reject(failure(folder, "made", error)),
    );
  const outcomes: Outcome[] = [];
  for (const { file, name, content } of drafts) {
    const path = join(folder, file);
    try {
      const { before, mode } = await readPlain(path);
      const after = placeBlock(path, before, blockOf(name, content));
      const same = before?.equals(after) === true;
      if (!same && !isDryRun)
        await replace(path, after, mode).catch((error: unknown) => Promise.reject(failure(path, "written", error)));
      const status = same ? "unchanged" : isDryRun ? "changed" : "written";
      outcomes.push({ file, status, ...changes(before, after), error: undefined });
    } catch (error) {
      outcomes.push({ file, status: "failed", added: 0, removed: 0, error });
    }
  }
  return outcomes;
}

/** What is at `path`, where that is a file that may be replaced. */
async function readPlain(path: string): Promise<{ readonly before: Buffer | undefined; readonly mode: number }> {
  try {
    // Not what a link leads to: a file elsewhere is not ours, and a link would be replaced by a file.
    const stats = await lstat(path);
    if (stats.isSymbolicLink())
      throw refusal(path, "is a symbolic link", "Remove the link, or give the folder that it leads to as --out.");
    if (!stats.isFile()) throw refusal(path, "is no file", "Move it away, or give another folder as --out.");
    if (stats.size > maxBytes)
      throw refusal(path, "has more than 16 MiB", "Move it away: a summary of its own is written then.");
    return { before: await readFile(path), mode: stats.mode & 0o777 };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return { before: undefined, mode: newFileMode };
    throw IndelibleError.is(error) ? error : failure(path, "read", error);
  }
}

/** Lines of one that the other does not have, as often as it has them. */
function changes(before: Buffer | undefined, after: Buffer): Pick<Outcome, "added" | "removed"> {
  const counts = new Map<string, number>();
  const count = (text: string, by: 1 | -1): void => {
    for (const line of text.replace(/\n$/, "").split("\n")) counts.set(line, (counts.get(line) ?? 0) + by);
  };
  count(after.toString("latin1"), 1);
  if (before !== undefined && before.length > 0) count(before.toString("latin1"), -1);
  const each = [...counts.values()];
  return {
    added: each.reduce((sum, by) => sum + Math.max(by, 0), 0),
    removed: each.reduce((sum, by) => sum - Math.min(by, 0), 0),
  };
}

const hints: { readonly [code: string]: string | undefined } = {
  EACCES: "Give the account that runs this the right to write there, or give another folder as --out.",
  EPERM: "Give the account that runs this the right to write there, or give another folder as --out.",
  EROFS: "Mount the disk writable, or give another folder as --out.",
  ENOSPC: "Make room on the disk, and run it again: files that were there are as they were.",
  EDQUOT: "Make room on the disk, and run it again: files that were there are as they were.",
  ENOTDIR: "A part of the path is a file: give another folder as --out.",
  EEXIST: "A part of the path is a file: give another folder as --out.",
  ENOENT: "The folder is not there, or is a link that leads nowhere: give another one as --out.",
  ENAMETOOLONG: "Give a shorter path as --out.",
};

function failure(path: string, doing: string, cause: unknown): IndelibleError {
  const hint = hints[String(codeOf(cause))];
  return new IndelibleError("ERR_CONFIG", `${path} could not be ${doing}: ${messageOf(cause)}`, {
    cause,
    ...(hint !== undefined && { hint }),
  });
}

function refusal(path: string, what: string, hint: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `${path} ${what}; it is left as it is`, { hint });
}
