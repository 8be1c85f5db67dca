import { nodeFiles, type FileReader, type Files } from "@indelible/publisher/spool/files.ts";

/** A call of `Files`, or one of the reader that its `open` gives. */
export type Call = keyof Files | "reader.read" | "reader.close";

/**
 * How a call fails: without having been carried out, or although it was. A write may also take only half of its bytes, and say so
 * (`short`) or fail (`half`).
 */
export type Mode = "before" | "after" | "short" | "half";

export interface Fault {
  readonly call: Call;
  /** From 0, of the calls of this kind. */
  readonly index: number;
  readonly mode: Mode;
  readonly code: string;
  /** Whether later calls of this kind fail too. */
  readonly lasts: boolean;
}

export interface FaultyFiles {
  readonly files: Files;
  /** How often each was called. */
  readonly calls: ReadonlyMap<Call, number>;
}

/** The real file system, in which some calls fail as they are told. */
export function faultyFiles(faults: readonly Fault[]): FaultyFiles {
  const calls = new Map<Call, number>();

  const next = (call: Call): Fault | undefined => {
    const index = calls.get(call) ?? 0;
    calls.set(call, index + 1);
    return faults.find((fault) => fault.call === call && (fault.lasts ? index >= fault.index : index === fault.index));
  };

  const sync =
    <A extends unknown[], R>(call: Call, real: (...args: A) => R): ((...args: A) => R) =>
    (...args) => {
      const fault = next(call);
      if (fault === undefined) return real(...args);
      if (fault.mode === "after") real(...args);
      throw errorOf(fault);
    };

  const async =
    <A extends unknown[], R>(call: Call, real: (...args: A) => Promise<R>): ((...args: A) => Promise<R>) =>
    async (...args) => {
      const fault = next(call);
      if (fault === undefined) return real(...args);
      if (fault.mode === "after") await real(...args);
      throw errorOf(fault);
    };

  const writeSync: Files["writeSync"] = (fd, bytes, offset, length, position) => {
    const fault = next("writeSync");
    const taken = fault === undefined || fault.mode === "after" ? length : fault.mode === "before" ? 0 : length >> 1;
    const count = taken > 0 ? nodeFiles.writeSync(fd, bytes, offset, taken, position) : 0;
    if (fault === undefined || fault.mode === "short") return count;
    throw errorOf(fault);
  };

  const open = async("open", async (path: string): Promise<FileReader> => {
    const reader = await nodeFiles.open(path);
    return {
      read: async("reader.read", (buffer: Buffer) => reader.read(buffer)),
      close: async("reader.close", () => reader.close()),
    };
  });

  const files: Files = {
    lock: sync("lock", nodeFiles.lock),
    mkdirSync: sync("mkdirSync", nodeFiles.mkdirSync),
    realpathSync: sync("realpathSync", nodeFiles.realpathSync),
    readdirSync: sync("readdirSync", nodeFiles.readdirSync),
    lstatSync: sync("lstatSync", nodeFiles.lstatSync),
    accessSync: sync("accessSync", nodeFiles.accessSync),
    chmodSync: sync("chmodSync", nodeFiles.chmodSync),
    renameSync: sync("renameSync", nodeFiles.renameSync),
    unlinkSync: sync("unlinkSync", nodeFiles.unlinkSync),
    rmdirSync: sync("rmdirSync", nodeFiles.rmdirSync),
    openSync: sync("openSync", nodeFiles.openSync),
    writeSync,
    ftruncateSync: sync("ftruncateSync", nodeFiles.ftruncateSync),
    fstatSync: sync("fstatSync", nodeFiles.fstatSync),
    closeSync: sync("closeSync", nodeFiles.closeSync),
    readdir: async("readdir", nodeFiles.readdir),
    lstat: async("lstat", nodeFiles.lstat),
    readFile: async("readFile", nodeFiles.readFile),
    writeFile: async("writeFile", nodeFiles.writeFile),
    rename: async("rename", nodeFiles.rename),
    unlink: async("unlink", nodeFiles.unlink),
    open,
  };
  return { files, calls };
}

function errorOf({ code, call }: Fault): Error {
  return Object.assign(new Error(`${code}: made to fail, ${call}`), { code });
}
