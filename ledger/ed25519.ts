/**
 * Ed25519 by node:crypto, with raw keys.
 *
 * What is relied on: OpenSSL refuses a signature whose S is not below the group's order, and compares the encoding of R bit by bit,
 * so that nobody makes a second signature of a first one. Which public keys are refused that are of small order, under which one
 * signature fits many texts, or not encoded canonically, depends on the version of Node: all of them are refused here. Nothing here
 * compares signatures or takes hashes of them.
 */
import { createPublicKey, verify, type KeyObject } from "node:crypto";

export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** RFC 8410: a SubjectPublicKeyInfo of Ed25519, up to the key. */
const SPKI = Buffer.from("302a300506032b6570032100", "hex");

const FIELD = 2n ** 255n - 19n;
/** The y coordinates of the points of order 1, 2, 4 and 8. */
const smallOrder: ReadonlySet<bigint> = new Set([
  1n,
  FIELD - 1n,
  0n,
  littleEndian(Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex")),
  littleEndian(Buffer.from("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "hex")),
]);

/** False when the key has another length, is encoded in a second way, or lies in a small subgroup. */
export function isSafePublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== PUBLIC_KEY_BYTES) return false;
  const y = littleEndian(publicKey) & (2n ** 255n - 1n);
  return y < FIELD && !smallOrder.has(y);
}

/** Whether the signature is one of the message by this key; false too when either is none. */
export function verifies(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || !isSafePublicKey(publicKey)) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: "der", type: "spki" });
  return verify(null, message, key, signature);
}

/** The 32 bytes of a public key, or of the public half of a private one; undefined when it is of another kind. */
export function rawPublicKey(key: KeyObject): Buffer | undefined {
  if (key.asymmetricKeyType !== "ed25519") return undefined;
  const publicKey = key.type === "private" ? createPublicKey(key) : key;
  return publicKey.export({ format: "der", type: "spki" }).subarray(SPKI.length);
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);
}
