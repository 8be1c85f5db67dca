/**
 * Why somebody reads, as labels of the job. A label's value is at most 63 lower-case letters, digits, `_` and `-`, so free text is written
 * in base32 (RFC 4648, lower case, without padding), 39 bytes of UTF-8 a label: `indelible_purpose_00`, `indelible_purpose_01`, and so on.
 * A purpose that is a label's value as it is stands in `indelible_purpose`, which any client can set: `bq query --label=indelible_purpose:invoice-check`.
 *
 * Labels, and not a comment in the SQL: BigQuery's audit log tells labels of every kind of job (`jobConfig.labels`), whole, where it cuts
 * statements at 50,000 characters; and what is a label cannot be mistaken for something that the statement quotes.
 */
import { IndelibleError } from "./errors.ts";

/** The longest purpose, in bytes of UTF-8: 26 labels, which leaves 38 of the 64 of a job to others. */
const MAX_PURPOSE_BYTES = 1_000;

const LABEL = "indelible_purpose";
const BYTES_PER_LABEL = 39;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The labels that carry `purpose`. @throws ERR_CONFIG when it is empty, too long, or no text */
export function purposeLabels(purpose: string): { [label: string]: string } {
  const bytes = Buffer.from(purpose);
  if (purpose.trim() === "" || bytes.length > MAX_PURPOSE_BYTES || !purpose.isWellFormed()) {
    throw new IndelibleError("ERR_CONFIG", `the purpose has ${bytes.length} bytes`, {
      hint: `Say in a sentence why you read, in 1 to ${MAX_PURPOSE_BYTES} bytes of UTF-8.`,
    });
  }
  if (/^[a-z0-9_-]{1,63}$/.test(purpose)) return { [LABEL]: purpose };
  const labels: { [label: string]: string } = {};
  for (let start = 0; start < bytes.length; start += BYTES_PER_LABEL) {
    const name = `${LABEL}_${String(start / BYTES_PER_LABEL).padStart(2, "0")}`;
    labels[name] = base32(bytes.subarray(start, start + BYTES_PER_LABEL));
  }
  return labels;
}

/** The purpose that labels carry; undefined when they carry none. What is not as `purposeLabels` writes it is given as far as it can be read. */
export function purposeOf(labels: { readonly [label: string]: unknown }): string | undefined {
  const chunks: Buffer[] = [];
  for (;;) {
    const text = labels[`${LABEL}_${String(chunks.length).padStart(2, "0")}`];
    if (typeof text !== "string" || chunks.length === 100) break;
    chunks.push(bytesOfBase32(text));
  }
  if (chunks.length > 0) return Buffer.concat(chunks).toString();
  const plain = labels[LABEL];
  return typeof plain === "string" && plain !== "" ? plain : undefined;
}

function base32(bytes: Buffer): string {
  let text = "";
  let [value, bits] = [0, 0];
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

function bytesOfBase32(text: string): Buffer {
  const bytes: number[] = [];
  let [value, bits] = [0, 0];
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit === -1) continue;
    value = (value << 5) | digit;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(value >>> bits);
    value &= (1 << bits) - 1;
  }
  return Buffer.from(bytes);
}
