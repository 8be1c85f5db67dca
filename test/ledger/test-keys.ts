import { createPrivateKey, hash, sign, type KeyObject } from "node:crypto";
import { rawPublicKey } from "@indelible/ledger/ed25519.ts";
import type { Signer } from "@indelible/ledger/signer.ts";

/** RFC 8410: an Ed25519 PrivateKeyInfo, up to the seed. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A key that everybody can make again: its seed is the hash of "indelible test key" and a label, or what is given. */
export function testKey(
  label: string,
  seed: Buffer = hash("sha256", `indelible test key ${label}`, "buffer"),
): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

export function testSigner(name: string, label: string = name, seed?: Buffer): Signer {
  const key = testKey(label, seed);
  const publicKey = rawPublicKey(key);
  if (publicKey === undefined) throw new Error("not Ed25519");
  return { name, publicKey, sign: async (message) => sign(null, message, key) };
}
