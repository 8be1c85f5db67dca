/**
 * What a verifier remembers between runs: the last checkpoint that it has verified, as the signed note itself. A log that is shorter
 * afterwards, or another, has been tampered with by somebody who holds the key; and the note is the evidence.
 */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { codeOf, makeFolder, replaceFile, storeError } from "../durable-file.ts";
import type { Finding } from "../findings.ts";
import type { KeyList } from "../key-list.ts";
import { checkNote } from "./checkpoints.ts";

export interface Memory {
  /** The checkpoint of the last run; undefined in the first one, or when it is not to be believed. */
  readonly remembered: Checkpoint | undefined;
  readonly findings: readonly Finding[];
  /** Puts a checkpoint in its place. To be called when everything up to there holds. @throws ERR_STORE */
  remember(note: string): Promise<void>;
}

/** @param path a file that need not exist yet. @throws ERR_STORE, ERR_CONFIG when it holds no checkpoint */
export async function openMemory(path: string, keys: KeyList): Promise<Memory> {
  const remember = async (note: string): Promise<void> => {
    try {
      await makeFolder(dirname(path), 0o700);
      await replaceFile(path, Buffer.from(note), 0o600);
    } catch (cause) {
      throw storeError(path, "written", cause);
    }
  };
  const note = await readNote(path);
  if (note === undefined) return { remembered: undefined, findings: [], remember };
  const { checkpoint, findings } = checkNote(note, keys, undefined, `the checkpoint in ${path}`);
  if (findings.some(({ code }) => code === "log-damaged")) {
    throw new IndelibleError("ERR_CONFIG", `${path} is not the checkpoint that an earlier verification left there`, {
      hint: "Restore the file from a backup. Without it, nobody can tell whether the log has been rolled back; only then remove it.",
    });
  }
  return { remembered: checkpoint, findings, remember };
}

async function readNote(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw storeError(path, "read", cause);
  }
}
