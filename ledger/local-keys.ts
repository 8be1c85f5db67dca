/**
 * The keys of a log on one machine, in one folder: `key-1.pem`, `key-2.pem` and so on, and `keys.json`, the list of their public halves.
 * The n-th key of the list is that of `key-<n>.pem`. A key file is on disk before the list names it, so that a crash leaves at most a
 * key that is not named, which the next rotation takes. Files of keys whose time is over may be removed.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { codeOf, createFile, replaceFile, storeError } from "./durable-file.ts";
import { openFileSigner } from "./file-signer.ts";
import { isValidAt, parseKeyList, serializeKeyList, withNewKey, type KeyList } from "./key-list.ts";
import type { Signer } from "./signer.ts";
import { formatVerifierKey, isSameKeyId, verifierKeyOf } from "./verifier-key.ts";

export interface LocalKeys {
  readonly list: KeyList;
  /** Those that are valid now: at least one, and several during a rotation. All of them sign. */
  readonly signers: readonly Signer[];
}

/** The first key is valid from this long before it was made, for another process that read the clock before and comes second. */
const FIRST_MARGIN = 60_000_000n;

const keyPath = (folder: string, number: number): string => join(folder, `key-${number}.pem`);
const laterKeyName = /^key-(?!1\.)\d+\.pem$/;
const listPath = (folder: string): string => join(folder, "keys.json");

/**
 * The keys of a folder, which are made when there are none. Several processes may do so at once: they get the same.
 * @param now microseconds since 1970
 * @throws ERR_KEY, ERR_STORE
 */
export async function openLocalKeys(folder: string, origin: string, now: bigint): Promise<LocalKeys> {
  const list = (await readList(folder)) ?? (await createList(folder, origin, now));
  if (list.origin !== origin) {
    throw new IndelibleError("ERR_KEY", `the keys in ${folder} are of the log ${list.origin}, not of ${origin}`, {
      hint: "Give the folder of this log's keys, or another folder for another log.",
    });
  }
  return { list, signers: await signersAt(folder, list, now) };
}

/**
 * Makes a new key, which signs from now on, and lets the others end after an overlap, during which all sign. May be repeated after a
 * crash: until the list is replaced, nothing has happened. One caller at a time.
 * @param now microseconds since 1970, after the beginning of the last key
 * @throws ERR_KEY, ERR_STORE
 */
export async function rotateLocalKeys(folder: string, now: bigint, overlapMs: number): Promise<LocalKeys> {
  const list = await readList(folder);
  if (list === undefined) {
    throw new IndelibleError("ERR_KEY", `there is no keys.json in ${folder}: nothing to rotate`, {
      hint: "Name the folder of the keys; the first key is made when the log is first sealed.",
    });
  }
  const signer = await openFileSigner({
    path: keyPath(folder, list.keys.length + 1),
    origin: list.origin,
    create: true,
  });
  const next = withNewKey(list, verifierKeyOf(signer), now, overlapMs);
  try {
    await replaceFile(listPath(folder), Buffer.from(serializeKeyList(next)), 0o644);
  } catch (cause) {
    throw storeError(listPath(folder), "replaced", cause);
  }
  return { list: next, signers: await signersAt(folder, next, now) };
}

async function createList(folder: string, origin: string, now: bigint): Promise<KeyList> {
  if (await hasLaterKeys(folder)) {
    throw new IndelibleError(
      "ERR_KEY",
      `there are several keys in ${folder}, but no keys.json that says when they are valid`,
      {
        hint: "Bring keys.json back from a copy: every verifier has one.",
      },
    );
  }
  const signer = await openFileSigner({ path: keyPath(folder, 1), origin, create: true });
  const list = { origin, keys: [{ key: verifierKeyOf(signer), from: now - FIRST_MARGIN, until: undefined }] };
  try {
    if (await createFile(listPath(folder), Buffer.from(serializeKeyList(list)), 0o644)) return list;
  } catch (cause) {
    throw storeError(listPath(folder), "created", cause);
  }
  return (await readList(folder)) ?? list;
}

/** Whether there was a rotation, going by names: files that cannot be read count. */
async function hasLaterKeys(folder: string): Promise<boolean> {
  try {
    return (await readdir(folder)).some((name) => laterKeyName.test(name));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw storeError(folder, "read", cause);
  }
}

async function readList(folder: string): Promise<KeyList | undefined> {
  let text: string;
  try {
    text = await readFile(listPath(folder), "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw storeError(listPath(folder), "read", cause);
  }
  return parseKeyList(text);
}

async function signersAt(folder: string, list: KeyList, now: bigint): Promise<Signer[]> {
  const signers: Signer[] = [];
  for (const [index, trusted] of list.keys.entries()) {
    if (!isValidAt(trusted, now)) continue;
    const path = keyPath(folder, index + 1);
    const signer = await openFileSigner({ path, origin: list.origin, create: false });
    const key = verifierKeyOf(signer);
    if (!isSameKeyId(key, trusted.key) || !key.publicKey.equals(trusted.key.publicKey)) {
      throw new IndelibleError(
        "ERR_KEY",
        `${path} is not the key ${formatVerifierKey(trusted.key)} that keys.json names`,
        {
          hint: "Bring the file of this key back from a copy.",
        },
      );
    }
    signers.push(signer);
  }
  if (signers.length === 0) {
    throw new IndelibleError("ERR_KEY", `no key in ${folder} is valid now`, {
      hint: "Set the clock right; if it is right, mend keys.json: at least one key needs a time that is not over.",
    });
  }
  return signers;
}
