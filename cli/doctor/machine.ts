import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { ACCESS_FILE, readAccess } from "../dev/access.ts";
import { messageOf } from "../terminal/failure.ts";
import { thousands } from "../terminal/table.ts";
import type { Finding } from "./check.ts";
import { shellWord } from "../terminal/shell-word.ts";
import { commandOn } from "./surroundings.ts";

const minNodeMajor = 24;
const mebibyte = 1024 ** 2;
const scarceBytes = 1024 * mebibyte;
const tooFewBytes = 100 * mebibyte;

/** @param version as `process.versions.node` */
export function nodeVersion(version: string): Finding {
  if (Number(version.split(".")[0]) >= minNodeMajor) return { status: "ok", finding: `Node ${version}.` };
  const finding = `Node ${version} lacks what the command line is written in: Node ${minNodeMajor} or later is needed.`;
  return { status: "problem", finding, fix: "npm ci && node_modules/node/bin/node cli/main.ts doctor" };
}

/** Whether `indelible dev` can keep its data there. */
export function dataFolder(path: string): Finding {
  if (!existsSync(path)) {
    const finding = `There is no data folder ${path}: no \`indelible dev\` has run here.`;
    return { status: "skipped", finding, fix: commandOn(path, "dev") };
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const finding = `The data folder ${path} cannot be written: ${messageOf(error)}.`;
    return { status: "problem", finding, fix: `chmod u+rwx ${shellWord(path)}` };
  }
  return { status: "ok", finding: `The data folder ${path} can be written.` };
}

/**
 * @param folder need not exist yet: then it is about where it would be made
 * @param freeBytes default: what the file system says
 */
export function diskSpace(folder: string, freeBytes?: number): Finding {
  const path = nearestFolder(folder);
  return spaceFinding(path, freeBytes ?? freeBytesAt(path));
}

function nearestFolder(path: string): string {
  let folder = path;
  // The last is `.` or `/`, and there.
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function spaceFinding(path: string, freeBytes: number): Finding {
  const finding = `${thousands(Math.floor(freeBytes / mebibyte))} MiB are free where ${path} is.`;
  if (freeBytes >= scarceBytes) return { status: "ok", finding };
  const fix = `Free some space on that disk, or start on another one: indelible dev --data FOLDER`;
  return { status: freeBytes < tooFewBytes ? "problem" : "warning", finding, fix };
}

function freeBytesAt(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/** Whether the tokens of the warehouse are for their owner only. */
export function tokens(path: string): Finding {
  const file = join(path, ACCESS_FILE);
  try {
    if (readAccess(file) === undefined)
      return { status: "skipped", finding: `There is no ${file}: \`indelible dev\` makes it.` };
    return { status: "ok", finding: `${file} is for its owner only.` };
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    return { status: "problem", finding: `${error.message}.`, fix: error.hint };
  }
}
