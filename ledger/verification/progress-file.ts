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

/** @param rangeText see `Checkpointing` @throws ERR_STORE */
export async function saveProgress(
  file: string,
  asked: Asked,
  rangeText: string | undefined,
  progress: SavedProgress,
): Promise<void> {
  const text = JSON.stringify({ format: FORMAT, asked: saidOf(asked), rangeText, ...progress });
  try {
    await makeFolder(dirname(file), 0o700);
    await replaceFile(file, Buffer.from(`${text}\n`), 0o600);
  } catch (cause) {
    throw storeError(file, "written", cause);
  }
}

/**
 * What was saved for the same tables and the same range, and what was asked for then; undefined when there is nothing of that. Two ranges
 * are the same when they were asked for in the same words; when none are given, when their times are.
 * @throws ERR_STORE
 */
export async function loadProgress(
  file: string,
  asked: Asked,
  rangeText: string | undefined,
): Promise<(SavedProgress & { readonly asked: Asked }) | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw storeError(file, "read", cause);
  }
  try {
    const value = JSON.parse(text) as SavedProgress & {
      readonly format: unknown;
      readonly asked: Said;
      readonly rangeText?: unknown;
    };
    if (value.format !== FORMAT || value.rangeText !== rangeText) return undefined;
    const range = { since: timeOf(value.asked.since), until: timeOf(value.asked.until) };
    const same = rangeText === undefined ? asked : { ...asked, ...range };
    if (JSON.stringify(value.asked) !== JSON.stringify(saidOf(same))) return undefined;
    const { origin, size, root } = value.log;
    return [origin, size, root].every((part) => typeof part === "string") ? { ...value, asked: same } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws ERR_STORE */
export async function removeProgress(file: string): Promise<void> {
  try {
    await rm(file, { force: true });
  } catch (cause) {
    throw storeError(file, "removed", cause);
  }
}

/** As JSON has it. */
interface Said {
  readonly tables: readonly TableName[];
  readonly since: string | null;
  readonly until: string | null;
}

function saidOf({ tables, since, until }: Asked): Said {
  const text = (time: bigint | undefined): string | null => (time === undefined ? null : String(time));
  return { tables, since: text(since), until: text(until) };
}

/** @throws SyntaxError when it is none */
function timeOf(text: string | null): bigint | undefined {
  return text === null ? undefined : BigInt(text);
}
