import * as fs from "node:fs";
import { promises } from "node:fs";
import { dirname } from "node:path";
import { tryLock, type Lock } from "./lock.ts";

/** One entry of a folder. A symbolic link is neither a file nor a folder. */
export interface Entry {
  readonly name: string;
  isFile(): boolean;
  isDirectory(): boolean;
}

/** What the spool asks of the file system: so that a test can make any of it fail. All throw what node:fs throws. */
export interface Files {
  /** Takes a lock without waiting; undefined when somebody else has it. @see tryLock */
  readonly lock: (path: string) => Lock | undefined;
  readonly mkdirSync: (path: string, options: { mode: number }) => void;
  readonly realpathSync: (path: string) => string;
  readonly readdirSync: (path: string) => string[];
  readonly lstatSync: (path: string) => { readonly size: number };
  readonly accessSync: (path: string, mode: number) => void;
  readonly chmodSync: (path: string, mode: number) => void;
  readonly renameSync: (from: string, to: string) => void;
  readonly unlinkSync: (path: string) => void;
  readonly rmdirSync: (path: string) => void;
  readonly openSync: (path: string, flags: string, mode: number) => number;
  /** May write fewer bytes than `length`; gives how many. */
  readonly writeSync: (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number;
  readonly ftruncateSync: (fd: number, bytes: number) => void;
  readonly fstatSync: (fd: number) => { readonly size: number };
  readonly closeSync: (fd: number) => void;
  readonly readdir: (path: string) => Promise<Entry[]>;
  readonly lstat: (path: string) => Promise<{ readonly size: number }>;
  readonly readFile: (path: string) => Promise<Buffer>;
  readonly writeFile: (path: string, bytes: Uint8Array, options: { mode: number }) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  readonly unlink: (path: string) => Promise<void>;
  readonly open: (path: string) => Promise<FileReader>;
}

/** A file that is open for reading, from its beginning on. */
export interface FileReader {
  /** Fills the beginning of `buffer`; gives the number of bytes, 0 at the end. */
  read(buffer: Buffer): Promise<number>;
  close(): Promise<void>;
}

export const nodeFiles: Files = {
  lock: tryLock,
  mkdirSync: fs.mkdirSync,
  realpathSync: fs.realpathSync,
  readdirSync: (path) => fs.readdirSync(path),
  lstatSync: (path) => fs.lstatSync(path),
  accessSync: fs.accessSync,
  chmodSync: fs.chmodSync,
  renameSync: fs.renameSync,
  unlinkSync: fs.unlinkSync,
  rmdirSync: fs.rmdirSync,
  openSync: fs.openSync,
  writeSync: (fd, bytes, offset, length, position) => fs.writeSync(fd, bytes, offset, length, position),
  ftruncateSync: fs.ftruncateSync,
  fstatSync: (fd) => fs.fstatSync(fd),
  closeSync: fs.closeSync,
  readdir: (path) => promises.readdir(path, { withFileTypes: true }),
  lstat: (path) => promises.lstat(path),
  readFile: (path) => promises.readFile(path),
  writeFile: (path, bytes, options) => promises.writeFile(path, bytes, options),
  rename: promises.rename,
  unlink: promises.unlink,
  open: async (path) => {
    const handle = await promises.open(path);
    return {
      read: async (buffer) => (await handle.read(buffer, 0, buffer.length)).bytesRead,
      close: () => handle.close(),
    };
  },
};

/** Whether `error` says that a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT";
}

/**
 * Makes a folder (0700) and those above it, where they are missing. Not by node:fs's `recursive`, which never returns
 * where a folder exists and yet nothing can be made in it, as in /proc. @throws what node:fs throws
 */
export function makeFolders(files: Files, path: string): void {
  for (let hasMadeParent = false; ; hasMadeParent = true) {
    try {
      files.mkdirSync(path, { mode: 0o700 });
      return;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return;
      if (hasMadeParent || !isMissing(error) || dirname(path) === path) throw error;
      makeFolders(files, dirname(path));
    }
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}
