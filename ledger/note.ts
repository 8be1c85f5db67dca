/**
 * Signed notes of https://c2sp.org/signed-note: a text that ends in a newline, an empty line, and one line for each signature. The
 * signatures are over the UTF-8 of the text, without the empty line. Ed25519 only; lines of other kinds are unknown keys.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { decodeBase64 } from "./base64.ts";
import { verifies } from "./ed25519.ts";
import type { Signer } from "./signer.ts";
import { formatVerifierKey, isKeyName, isSameKeyId, verifierKeyOf, type VerifierKey } from "./verifier-key.ts";

export { formatVerifierKey, parseVerifierKey, verifierKeyOf, type VerifierKey } from "./verifier-key.ts";

const MAX_SIGNATURES = 100;
const MAX_BYTES = 1_000_000;
const KEY_ID_BYTES = 4;

export interface OpenedNote {
  /** What is signed, its last newline included. To be believed only when one of `signedBy` suffices, and `bad` is empty. */
  readonly text: string;
  /** Those of the given keys of which there is a valid signature, and no other. In the order in which they were given. */
  readonly signedBy: readonly VerifierKey[];
  /** Those whose name and ID stand by a signature that is not theirs. */
  readonly bad: readonly VerifierKey[];
  /** Signers that are none of the given keys, each once. */
  readonly unknown: readonly Pick<VerifierKey, "name" | "keyId">[];
}

interface SignatureLine {
  readonly name: string;
  readonly keyId: Buffer;
  readonly signature: Buffer;
}

/**
 * The note, signed by each of the signers in turn; the signatures have been verified.
 * @throws ERR_CHECKPOINT when the text cannot be a note's; ERR_KEY when there is no signer, two have the same key, or one signs wrongly;
 *   what `sign` throws
 */
export async function signNote(text: string, signers: readonly Signer[]): Promise<string> {
  const fault = faultOf(text);
  if (fault !== undefined) throw malformed(fault);
  if (signers.length === 0 || signers.length > MAX_SIGNATURES) {
    throw new IndelibleError("ERR_KEY", `a note is signed by 1 to ${MAX_SIGNATURES} keys, not by ${signers.length}`);
  }
  const keys = signers.map(verifierKeyOf);
  assertDistinct(keys);
  const message = Buffer.from(text);
  const lines = await Promise.all(
    signers.map(async (signer, index) => {
      const { name, keyId, publicKey } = keys[index] as VerifierKey;
      const signature = await signer.sign(message);
      if (!verifies(publicKey, message, signature)) {
        throw new IndelibleError("ERR_KEY", `what the key ${JSON.stringify(name)} gave is not its signature`);
      }
      return `— ${name} ${Buffer.concat([keyId, signature]).toString("base64")}\n`;
    }),
  );
  const note = `${text}\n${lines.join("")}`;
  if (Buffer.byteLength(note) > MAX_BYTES) throw malformed(`it is longer than ${MAX_BYTES} bytes`);
  return note;
}

/**
 * Reads a note and verifies the signatures of the given keys. It is for the caller to say which of them suffice.
 * @throws ERR_CHECKPOINT when it is no signed note; ERR_KEY when two of the keys have the same name and ID
 */
export function openNote(note: string, keys: readonly VerifierKey[]): OpenedNote {
  assertDistinct(keys);
  if (Buffer.byteLength(note) > MAX_BYTES) throw malformed(`it is longer than ${MAX_BYTES} bytes`);
  const end = note.lastIndexOf("\n\n") + 1;
  if (end === 0) throw malformed("no empty line stands before the signatures");
  const text = note.slice(0, end);
  const fault = faultOf(text);
  if (fault !== undefined) throw malformed(fault);
  if (!note.endsWith("\n")) throw malformed("its last line does not end in a newline");
  const lines = note.slice(end + 1, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) throw malformed(`it has more than ${MAX_SIGNATURES} signatures`);
  const signatures = lines.map(parseLine);

  const message = Buffer.from(text);
  const valid = ({ publicKey }: VerifierKey, line: SignatureLine): boolean =>
    verifies(publicKey, message, line.signature);
  const signedBy: VerifierKey[] = [];
  const bad: VerifierKey[] = [];
  for (const key of keys) {
    const own = signatures.filter((line) => isSameKeyId(line, key));
    if (own.length > 0) (own.every((line) => valid(key, line)) ? signedBy : bad).push(key);
  }
  const unknown: Pick<VerifierKey, "name" | "keyId">[] = [];
  for (const { name, keyId } of signatures) {
    const isSame = (other: Pick<VerifierKey, "name" | "keyId">): boolean => isSameKeyId({ name, keyId }, other);
    if (!keys.some(isSame) && !unknown.some(isSame)) unknown.push({ name, keyId });
  }
  return { text, signedBy, bad, unknown };
}

/** Why this cannot be the text of a note; undefined when it can. */
function faultOf(text: string): string | undefined {
  if (!text.endsWith("\n")) return "its text does not end in a newline";
  if (!text.isWellFormed()) return "it is not UTF-8";
  // oxlint-disable-next-line no-control-regex -- what notes must not have
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) return "it has a control character";
  return undefined;
}

function parseLine(line: string): SignatureLine {
  const [dash, name, data, ...rest] = line.split(" ");
  if (dash !== "—" || name === undefined || data === undefined || rest.length > 0 || !isKeyName(name)) {
    throw malformed("a line below the empty line is no signature");
  }
  const bytes = decodeBase64(data);
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES)
    throw malformed("a signature is not base64 of a key ID and more");
  return { name, keyId: bytes.subarray(0, KEY_ID_BYTES), signature: bytes.subarray(KEY_ID_BYTES) };
}

function assertDistinct(keys: readonly VerifierKey[]): void {
  keys.forEach((key, index) => {
    if (keys.slice(0, index).some((other) => isSameKeyId(key, other))) {
      throw new IndelibleError("ERR_KEY", `two of the keys have the same name and ID: ${formatVerifierKey(key)}`);
    }
  });
}

function malformed(reason: string): IndelibleError {
  return new IndelibleError("ERR_CHECKPOINT", `this is no signed note: ${reason}`);
}
