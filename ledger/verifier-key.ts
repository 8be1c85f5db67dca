/** Verifier keys: what a verifier has to know of a signer, as one line of text. */
import { hash } from "node:crypto";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { decodeBase64 } from "./base64.ts";
import { isSafePublicKey } from "./ed25519.ts";
import type { Signer } from "./signer.ts";

/** An Ed25519 key of https://c2sp.org/signed-note, by which signatures are verified. */
export interface VerifierKey {
  readonly name: string;
  /** 4 bytes: the first of SHA-256(name, newline, 0x01, public key). It names a key; it proves nothing. */
  readonly keyId: Buffer;
  /** 32 bytes. */
  readonly publicKey: Buffer;
}

const ED25519 = Buffer.of(1);
const form = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/;

/** Whether a key may have this name: not empty, and without spaces, plus signs, control characters and halves of surrogate pairs. */
export function isKeyName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- what notes must not have
  return name !== "" && name.isWellFormed() && !/[\p{White_Space}+\u0000-\u001f]/u.test(name);
}

/** Reads `<name>+<8 hex digits of the key ID>+<base64 of 0x01 and the public key>`. @throws ERR_KEY */
export function parseVerifierKey(vkey: string): VerifierKey {
  const [, name, id, data] = form.exec(vkey) ?? [];
  if (name === undefined || id === undefined || data === undefined) {
    throw refusal(vkey, "it is not <name>+<8 hex digits>+<base64>");
  }
  const bytes = decodeBase64(data);
  if (bytes === undefined) throw refusal(vkey, "its last part is not base64");
  if (bytes[0] !== 1 || bytes.length !== 33) throw refusal(vkey, "it is not of an Ed25519 key (0x01 and 32 bytes)");
  const key = verifierKeyOf({ name, publicKey: bytes.subarray(1) });
  if (key.keyId.toString("hex") !== id) {
    throw refusal(
      vkey,
      `its key ID should be ${key.keyId.toString("hex")}: the name, the ID or the key has been changed`,
    );
  }
  return key;
}

export function formatVerifierKey({ name, keyId, publicKey }: VerifierKey): string {
  return `${name}+${keyId.toString("hex")}+${Buffer.concat([ED25519, publicKey]).toString("base64")}`;
}

/** @throws ERR_KEY when the name or the key cannot be used */
export function verifierKeyOf({ name, publicKey }: Pick<Signer, "name" | "publicKey">): VerifierKey {
  const quoted = JSON.stringify(name);
  if (!isKeyName(name)) {
    throw new IndelibleError(
      "ERR_KEY",
      `a key cannot be named ${quoted}: spaces, "+" and control characters are not allowed`,
    );
  }
  if (!isSafePublicKey(publicKey)) {
    throw new IndelibleError(
      "ERR_KEY",
      `the key ${quoted} is no Ed25519 public key that can be trusted: make a new one`,
    );
  }
  const keyId = hash("sha256", Buffer.concat([Buffer.from(`${name}\n`), ED25519, publicKey]), "buffer").subarray(0, 4);
  return { name, keyId, publicKey: Buffer.from(publicKey) };
}

/** Whether both stand for the same name and key ID, though perhaps not for the same public key. */
export function isSameKeyId(a: Pick<VerifierKey, "name" | "keyId">, b: Pick<VerifierKey, "name" | "keyId">): boolean {
  return a.name === b.name && a.keyId.equals(b.keyId);
}

function refusal(vkey: string, reason: string): IndelibleError {
  const shown = JSON.stringify(vkey.length > 200 ? `${vkey.slice(0, 200)}...` : vkey);
  return new IndelibleError("ERR_KEY", `${shown} is no verifier key: ${reason}`, {
    hint: "Copy the whole line from the keys.json of the log.",
  });
}
