/** The position of a verification that takes long, in a file: what was interrupted goes on from there. */
import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { TableName } from "@indelible/schemas/tables.ts";
import { codeOf, makeFolder, replaceFile, storeError } from "../durable-file.ts";
import type { SavedFindings } from "./finding-list.ts";
import type { SavedMoves } from "./moves.ts";
import type { SavedTally } from "./tally.ts";

const FORMAT = "indelible-verify/1";

export interface Asked {
  readonly tables: readonly TableName[];
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
}

export interface SavedProgress {
  /** The log that the seals were taken from. */
  readonly log: { readonly origin: string; readonly size: string; readonly root: string };
  readonly tallies: { readonly [table: string]: SavedTally };
  readonly findings: SavedFindings;
  readonly moves: SavedMoves;
}

/** @throws ERR_STORE */
export async function saveProgress(file: string, asked: Asked, progress: SavedProgress): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, asked: saidOf(asked), ...progress });
  try {
    await makeFolder(dirname(file), 0o700);
    await replaceFile(file, Buffer.from(`${text}\n`), 0o600);
  } catch (cause) {
    throw storeError(file, "written", cause);
  }
}

/** What was saved for the same range and tables; undefined when there is nothing of that. @throws ERR_STORE */
export async function loadProgress(file: string, asked: Asked): Promise<SavedProgress | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw storeError(file, "read", cause);
  }
  try {
    const value = JSON.parse(text) as SavedProgress & { readonly format: unknown; readonly asked: unknown };
    if (value.format !== FORMAT || JSON.stringify(value.asked) !== JSON.stringify(saidOf(asked))) return undefined;
    const { origin, size, root } = value.log;
    return [origin, size, root].every((part) => typeof part === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function removeProgress(file: string): Promise<void> {
  await rm(file, { force: true });
}

function saidOf({ tables, since, until }: Asked): unknown {
  const text = (time: bigint | undefined): string | null => (time === undefined ? null : String(time));
  return { tables, since: text(since), until: text(until) };
}
