import assert from "node:assert/strict";
import fc from "fast-check";
import { RECORD_PREFIX_BYTES, RecordCounter, writePrefix, type Records } from "@indelible/publisher/spool/record.ts";

/** One record's bytes, made as the publisher makes them: the text first, then what stands before it. */
export function record(text: string): Buffer {
  const bytes = Buffer.from(`${" ".repeat(RECORD_PREFIX_BYTES)}${text}\n`);
  writePrefix(bytes, 0, bytes.length - 1);
  return bytes;
}

export function records(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map(record));
}

/** Texts such as a record may hold: any characters, but no raw newline, which canonical JSON never has. */
export const anyText: fc.Arbitrary<string> = fc
  .string({ unit: "binary", maxLength: 60 })
  .map((text) => text.replaceAll("\n", "\u2028"));

/** A segment as tests damage it: short, empty and long texts, of one to four bytes a character. */
export const exampleTexts: readonly string[] = [
  '{"a":1}',
  "",
  '{"é":"\u2028😀"}',
  "[]",
  '{"name":"a longer one, with 0 and 1"}',
];

/** Holds that events and damaged stretches, put together again in order, are `bytes`. */
export function assertCovers({ events, damaged }: Records, bytes: Uint8Array): void {
  const [texts, stretches] = [[...events], [...damaged]];
  let at = 0;
  while (at < bytes.length) {
    const part = stretches[0]?.offset === at ? stretches.shift()!.bytes : record(texts.shift() ?? assert.fail());
    const end = Math.min(at + part.length, bytes.length);
    // Only the last record may lack a byte, its newline.
    assert.ok(at + part.length <= bytes.length + 1);
    assert.equal(Buffer.compare(part.subarray(0, end - at), bytes.subarray(at, end)), 0);
    at = end;
  }
  assert.deepEqual([texts, stretches], [[], []]);
}

/** What `RecordCounter` says of `bytes` in chunks of `chunkBytes`. */
export function countIn(bytes: Buffer, chunkBytes: number): number {
  const counter = new RecordCounter();
  for (let at = 0; at < bytes.length; at += chunkBytes) counter.add(bytes.subarray(at, at + chunkBytes));
  return counter.end();
}
