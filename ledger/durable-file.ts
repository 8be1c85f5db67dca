/** Files that are there as a whole and after a crash, or not at all. Everything here throws what node:fs throws. */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** What a file that is not complete yet is called: nothing else in this project begins so. */
export const TEMPORARY = "~";

/**
 * Creates a file of exactly this mode; true when it is on disk, false when there is one already, which stays as it is and is on disk too.
 * Of several callers one gets true, processes included. Needs a file system with hard links.
 *
 * @param temporaryFolder where it is written first; on the same file system. A crash may leave a file there
 */
export async function createFile(
  path: string,
  data: Uint8Array,
  mode: number,
  temporaryFolder: string = dirname(path),
): Promise<boolean> {
  const temporary = await writeTemporary(temporaryFolder, data, mode);
  try {
    // Not rename(2), which replaces what is there.
    const isNew = await link(temporary, path).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === "EEXIST") return false;
        throw error;
      },
    );
    await syncFolder(dirname(path));
    return isNew;
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

/** Puts a file into the place of the one that is there: a reader, and a crash, finds either. Resolves when it is on disk. */
export async function replaceFile(path: string, data: Uint8Array, mode: number): Promise<void> {
  const temporary = await writeTemporary(dirname(path), data, mode);
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes a folder of this mode and those above it, where they are missing. Resolves when they are on disk. */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await makeOneFolder(path, mode);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" || dirname(path) === path) throw error;
    await makeFolder(dirname(path), mode);
    // Once: where there is still nothing above it, as below a link that leads nowhere, there never will be.
    await makeOneFolder(path, mode);
  }
}

async function makeOneFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    throw error;
  }
  await syncFolder(dirname(path));
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeTemporary(folder: string, data: Uint8Array, mode: number): Promise<string> {
  const path = join(folder, `${TEMPORARY}${process.pid}-${randomBytes(8).toString("hex")}`);
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(data);
    await handle.chmod(mode);
    await handle.sync();
  } catch (error) {
    await unlink(path).catch(() => {});
    throw error;
  } finally {
    await handle.close();
  }
  return path;
}

export function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

/** ERR_STORE, with what to do about it. */
export function storeError(path: string, doing: string, cause: unknown): IndelibleError {
  const code = codeOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  const hint = hints[String(code)]?.(path);
  return new IndelibleError("ERR_STORE", `${path} could not be ${doing}: ${reason}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}

const right = (path: string): string =>
  `Give the account that runs this the right to read and write ${path}, and mount its disk writable.`;
const room = (path: string): string =>
  `Make room on the disk of ${path}; nothing is sealed until then, and nothing is lost.`;
const links = (path: string): string => `Put ${path} on a file system that has hard links, such as ext4 or XFS.`;

const hints: { readonly [code: string]: ((path: string) => string) | undefined } = {
  EACCES: right,
  EROFS: right,
  EPERM: (path) => `${right(path)} ${links(path)}`,
  ENOSPC: room,
  EDQUOT: room,
  ENOTSUP: links,
  EOPNOTSUPP: links,
  ENOSYS: links,
  EXDEV: links,
};
