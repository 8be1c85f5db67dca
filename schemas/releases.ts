/** The snapshots of the releases, in schemas/releases/: one file each, which is written once and never changed. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { IndelibleError } from "./errors.ts";
import type { Change, Decisions } from "./evolution.ts";
import { parseSnapshot, snapshotText, type Snapshot } from "./snapshot.ts";

export const RELEASES_FOLDER: string = fileURLToPath(new URL("releases/", import.meta.url));

const fileName = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\.json$/;

/** The path of the newest release's snapshot; undefined before the first. @throws ERR_CONFIG when there is no such folder */
export function newestRelease(folder: string = RELEASES_FOLDER): string | undefined {
  const newest = namesIn(folder)
    .filter((name) => fileName.test(name))
    .toSorted((a, b) => compareVersions(versionOf(a), versionOf(b)))
    .at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

/** @throws ERR_CONFIG when there is no snapshot in the file, or that of another release than the file's name says */
export function readRelease(path: string): Snapshot {
  const snapshot = parseSnapshot(textOf(path));
  const name = basename(path);
  if (snapshot === undefined) {
    throw new IndelibleError("ERR_CONFIG", `${path} is no snapshot of a release`, {
      hint: "Give a file of schemas/releases/, or one that `npm run schemas:check -- --release` has written.",
    });
  }
  if (!fileName.test(name) || name === `${snapshot.release}.json`) return snapshot;
  throw new IndelibleError("ERR_CONFIG", `${path} is the snapshot of ${JSON.stringify(snapshot.release)}`, {
    hint: "A snapshot is written once and never changed: restore the file from the repository's history.",
  });
}

/** What people have decided, by `decisions.json`; nothing when there is none. @throws ERR_CONFIG */
export function readDecisions(folder: string = RELEASES_FOLDER): Decisions {
  if (!namesIn(folder).includes("decisions.json")) return {};
  const path = join(folder, "decisions.json");
  const hint =
    'Make it an object of keys and reasons: {"mcp_usage_logs: retention 366 to 180 days after 0.1.0": "why"}.';
  let value: unknown;
  try {
    value = JSON.parse(textOf(path));
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${path} is not JSON`, { cause, hint });
  }
  if (isDecisions(value)) return value;
  throw new IndelibleError("ERR_CONFIG", `${path} does not hold decisions`, { hint });
}

/** Keys of decisions that allow none of the changes since `release`, and follow none of the other releases of the folder, as those of the past do. */
export function unusedDecisions(
  decisions: Decisions,
  changes: readonly Change[],
  release: string | undefined,
  folder: string = RELEASES_FOLDER,
): readonly string[] {
  const used = new Set(changes.map(({ decision }) => decision));
  const others = namesIn(folder).filter((name) => fileName.test(name) && name !== `${release}.json`);
  const ends = others.map((name) => ` after ${basename(name, ".json")}`);
  return Object.keys(decisions).filter((key) => !used.has(key) && !ends.some((end) => key.endsWith(end)));
}

function isDecisions(value: unknown): value is Decisions {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((reason) => typeof reason === "string" && reason.trim() !== "");
}

/** Writes the snapshot of a release, whose version must be above all that there are. @throws ERR_CONFIG. @returns its path */
export function writeRelease(snapshot: Snapshot, folder: string = RELEASES_FOLDER): string {
  const { release } = snapshot;
  const name = `${release}.json`;
  if (!fileName.test(name)) {
    throw new IndelibleError("ERR_CONFIG", `${JSON.stringify(release)} is no version of a release`, {
      hint: "Give it as major.minor.patch, such as 0.2.0.",
    });
  }
  const newest = newestRelease(folder);
  const last = newest === undefined ? undefined : readRelease(newest).release;
  if (last !== undefined && compareVersions(versionOf(name), versionOf(last)) <= 0) {
    throw new IndelibleError("ERR_CONFIG", `release ${release} is not above ${last}, the newest that there is`, {
      hint: "A snapshot is written once and never changed. Give a higher version.",
    });
  }
  const path = join(folder, name);
  const text = snapshotText(snapshot);
  const read = parseSnapshot(text);
  if (read === undefined || snapshotText(read) !== text) {
    throw new IndelibleError("ERR_CONFIG", `release ${release} would not read back as what it is`, {
      hint: "The declaration holds what a snapshot cannot: a number that is none, or a member that schemas/snapshot.ts does not know.",
    });
  }
  try {
    writeFileSync(path, text, { flag: "wx" });
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${path} cannot be written: ${messageOf(cause)}`, {
      cause,
      hint: "Make the folder writable, and remove what stands in the place of the file.",
    });
  }
  return path;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `the folder of releases cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: "Run it from a whole checkout: schemas/releases/ belongs to it.",
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${path} cannot be read`, { cause, hint: "Give the path of a file." });
  }
}

function versionOf(name: string): readonly number[] {
  return (name.match(/\d+/g) ?? []).map(Number);
}

function compareVersions(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((part, index) => part !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
