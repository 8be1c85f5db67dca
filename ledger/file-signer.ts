import { createPrivateKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { codeOf, createFile, makeFolder, storeError } from "./durable-file.ts";
import { rawPublicKey } from "./ed25519.ts";
import type { Signer } from "./signer.ts";
import { verifierKeyOf } from "./verifier-key.ts";

export interface FileSignerOptions {
  /** An Ed25519 key, PKCS#8 in PEM, which nobody but its owner may read (0600). */
  readonly path: string;
  /** The log that it signs for. */
  readonly origin: string;
  /** Whether to make a key when there is none: its file is on disk before it signs anything. In a folder of mode 0700, when that is missing too. */
  readonly create: boolean;
}

const MAX_BYTES = 10_000;

/**
 * A signer whose key is a file. The key stays in this process: neither the signer nor an error shows it.
 * @throws ERR_KEY when it cannot be used, with the fix; ERR_STORE when it cannot be made or read now
 */
export async function openFileSigner({ path, origin, create }: FileSignerOptions): Promise<Signer> {
  if (create) await createKey(path);
  const key = await readKey(path);
  const publicKey = rawPublicKey(key);
  if (publicKey === undefined) throw refusal(path, `it is of type ${key.asymmetricKeyType}, not an Ed25519 key`);
  verifierKeyOf({ name: origin, publicKey });
  return { name: origin, publicKey, sign: async (message) => sign(null, message, key) };
}

async function createKey(path: string): Promise<void> {
  try {
    await makeFolder(dirname(path), 0o700);
    if (await exists(path)) return;
    const { privateKey } = generateKeyPairSync("ed25519");
    // Of several processes that make it at once one does, and all use that one.
    await createFile(path, Buffer.from(privateKey.export({ format: "pem", type: "pkcs8" })), 0o600);
  } catch (cause) {
    throw storeError(path, "created", cause);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await openKey(path)).close();
    return true;
  } catch (error) {
    // Whatever else it is, it is for readKey() to say.
    return codeOf(error) !== "ENOENT";
  }
}

async function readKey(path: string): Promise<KeyObject> {
  let data: Buffer;
  try {
    const handle = await openKey(path);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw refusal(path, "it is not a regular file");
      if ((stat.mode & 0o077) !== 0) {
        const mode = (stat.mode & 0o777).toString(8).padStart(4, "0");
        throw refusal(path, `others than its owner may use it (mode ${mode})`, {
          hint: `chmod 600 ${path}, and rotate the key if somebody may have read it.`,
        });
      }
      if (stat.size > MAX_BYTES) throw refusal(path, "it is too long to be a key");
      data = await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (IndelibleError.is(cause)) throw cause;
    const code = codeOf(cause);
    if (code === "ENOENT") {
      throw refusal(path, "there is no such file", {
        cause,
        hint: "Name the file of the key, or bring it back from a copy.",
      });
    }
    if (code === "ELOOP" || code === "ENXIO") throw refusal(path, "it is not a regular file", { cause });
    throw storeError(path, "read", cause);
  }
  try {
    return createPrivateKey({ key: data, format: "pem" });
  } catch (cause) {
    throw refusal(path, "it is no private key in PEM, without a password", { cause });
  } finally {
    data.fill(0);
  }
}

/** Neither follows a symbolic link, nor waits for somebody to write into a pipe. */
function openKey(path: string): ReturnType<typeof open> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

function refusal(path: string, reason: string, options: { cause?: unknown; hint?: string } = {}): IndelibleError {
  return new IndelibleError("ERR_KEY", `the key ${path} cannot be used: ${reason}`, {
    hint: "Give a file that `openssl genpkey -algorithm ed25519` has made, with mode 0600.",
    ...options,
  });
}
