import { constants, type Dirent } from "node:fs";
import { lstat, open, opendir, readdir, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { codeOf, createFile, makeFolder, storeError, syncFolder, TEMPORARY } from "./durable-file.ts";
import { assertObjectName, assertObjectPrefix } from "./object-name.ts";
import type { ObjectStore } from "./object-store.ts";

/** Long after whoever wrote it has given up. */
const ABANDONED_MS = 3_600_000;

/** Where objects are written before they are linked; no object can have such a name. */
const TEMPORARY_FOLDER = `${TEMPORARY}tmp`;

/**
 * A store in a folder, which is made when it is missing: one file (0444) an object, so that any account that may enter the folder can
 * read it. Several processes may use it at once. Durable as far as fsync is, and only on a file system with hard links.
 *
 * Unlike in a bucket, no object's name can be the beginning of another one's folder: `a` and `a/b` are not there at once. `list` holds
 * the names of one folder at a time: 500,000 take 1.1 s and some 150 MB. Files that are no objects (other names, links, pipes) are not seen.
 */
export function folderStore(folder: string): ObjectStore {
  const root = resolve(folder);
  // Folders that are known to be on disk, with the way to them, by their path: they are not removed while this is in use.
  const prepared = new Map<string, Promise<void>>();
  let cleaning: Promise<void> | undefined;

  const pathOf = (name: string): string => {
    assertObjectName(name);
    return join(root, name);
  };

  /** Another process may have made a folder and be killed before it is on disk, so that finding it there is not enough. */
  const prepare = (path: string): Promise<void> => {
    let done = prepared.get(path);
    if (done === undefined) {
      done = prepareNow(path);
      prepared.set(path, done);
      done.catch(() => prepared.delete(path));
    }
    return done;
  };
  const prepareNow = async (path: string): Promise<void> => {
    if (path !== root) await prepare(dirname(path));
    await makeFolder(path, 0o755);
    if (path !== root) await syncFolder(dirname(path));
  };

  return {
    location: root,

    async create(name, data) {
      const path = pathOf(name);
      const temporaryFolder = join(root, TEMPORARY_FOLDER);
      try {
        await prepare(temporaryFolder);
        await prepare(dirname(path));
        cleaning ??= removeAbandoned(temporaryFolder);
        await cleaning;
        return await createFile(path, data, 0o444, temporaryFolder);
      } catch (cause) {
        throw storeError(path, "created", cause);
      }
    },

    async read(name) {
      const path = pathOf(name);
      try {
        const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
        try {
          return await handle.readFile();
        } finally {
          await handle.close();
        }
      } catch (cause) {
        if (isAbsent(cause)) return undefined;
        throw storeError(path, "read", cause);
      }
    },

    async has(name) {
      const path = pathOf(name);
      try {
        return (await lstat(path)).isFile();
      } catch (cause) {
        if (isAbsent(cause)) return false;
        throw storeError(path, "read", cause);
      }
    },

    async *list(prefix, from = prefix) {
      assertObjectPrefix(prefix);
      yield* listFolder(root, prefix, from);
    },
  };
}

/** The names below `prefix` in order, which is not that of the file system: it is that of whole names, in which `/` is a character. */
async function* listFolder(root: string, prefix: string, from: string): AsyncGenerator<string> {
  const names: string[] = [];
  const path = join(root, prefix);
  try {
    for await (const entry of await opendir(path, { bufferSize: 4096 })) {
      const name = nameOf(prefix, entry);
      if (name === undefined) continue;
      // A folder that `from` is in comes before it in order, and has names that come after it.
      if (name >= from || (name.endsWith("/") && from.startsWith(name))) names.push(name);
    }
  } catch (cause) {
    if (isAbsent(cause)) return;
    throw storeError(path, "listed", cause);
  }
  for (const name of names.sort()) {
    if (name.endsWith("/")) yield* listFolder(root, name, from);
    else yield name;
  }
}

/** The name of an object, or that of a folder with a `/` behind it; undefined when it is neither. */
function nameOf(prefix: string, entry: Dirent): string | undefined {
  try {
    assertObjectName(prefix + entry.name);
  } catch {
    return undefined;
  }
  if (entry.isDirectory()) return `${prefix}${entry.name}/`;
  return entry.isFile() ? prefix + entry.name : undefined;
}

/** What crashes have left: it takes room, and is otherwise harmless, so that a failure is nobody's concern. */
async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    const path = join(folder, name);
    const stat = await lstat(path).catch(() => undefined);
    if (stat?.isFile() === true && Date.now() - stat.mtimeMs > ABANDONED_MS) await unlink(path).catch(() => {});
  }
}

/** ENOTDIR: a part of the path is a file. ELOOP: it is a symbolic link, which is no object. */
function isAbsent(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR"].includes(String(codeOf(error)));
}
