import { RECORD_PREFIX_BYTES, writePrefix } from "@indelible/publisher/spool/record.ts";

/** One record's bytes, made as the publisher makes them: the text first, then what stands before it. */
export function record(text: string): Buffer {
  const bytes = Buffer.from(`${" ".repeat(RECORD_PREFIX_BYTES)}${text}\n`);
  writePrefix(bytes, 0, bytes.length - 1);
  return bytes;
}

export function records(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map(record));
}
