import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { isUtf8 } from "node:buffer";
import type { Letter } from "./letter.ts";

/** What a dead letter keeps of the original. */
export interface Content {
  readonly data: Buffer;
  readonly attributes: { readonly [name: string]: string };
}

/** A row of `dead_letters`, as far as it is content. */
export interface Part {
  readonly dead_letter_id: string;
  readonly source_table: string | null;
  readonly source_message_id: string;
  readonly source_index: number | null;
  readonly part: number | null;
  readonly parts: number | null;
  readonly source_attributes: { readonly [name: string]: string } | null;
  readonly data: string | null;
  readonly data_base64: string | null;
  readonly data_bytes: number;
}

/**
 * Puts the parts of each letter together. A letter is missing in the result when a part has not arrived yet, or when its data is too large to have been
 * kept in the row, as version 1 of the table had it.
 */
export function joinParts(letters: readonly Letter[], rows: readonly Part[]): Map<string, Content> {
  const single = new Map(rows.filter((row) => (row.parts ?? 1) === 1).map((row) => [row.dead_letter_id, [row]]));
  const several = Map.groupBy(
    rows.filter((row) => (row.parts ?? 1) > 1),
    (row) => sourceKey(row.source_table, row.source_message_id, row.source_index),
  );
  const contents = new Map<string, Content>();
  for (const letter of letters) {
    const own =
      letter.parts === 1
        ? (single.get(letter.id) ?? [])
        : (several.get(sourceKey(letter.table ?? null, letter.messageId, letter.index ?? null)) ?? []);
    const bodies = own.toSorted((a, b) => (a.part ?? 1) - (b.part ?? 1)).map(bytesOf);
    if (own.length !== letter.parts || bodies.includes(undefined)) continue;
    contents.set(letter.id, {
      data: Buffer.concat(bodies as Buffer[]),
      attributes: Object.fromEntries(own.flatMap((row) => Object.entries(row.source_attributes ?? {}))),
    });
  }
  return contents;
}

function sourceKey(table: string | null, messageId: string, index: number | null): string {
  return `${table ?? ""}\n${messageId}\n${index ?? ""}`;
}

function bytesOf({ data, data_base64, data_bytes }: Part): Buffer | undefined {
  if (data !== null) return Buffer.from(data);
  if (data_base64 !== null) return Buffer.from(data_base64, "base64");
  return data_bytes === 0 ? Buffer.alloc(0) : undefined;
}

const maxDecompressedBytes = 16 * 1024 * 1024;

/**
 * The texts of the events of a dead letter, as the subscriber would take it apart; undefined when it cannot be. The data of a letter with an index
 * is one event.
 */
export function eventTexts({ index }: Letter, { data, attributes }: Content): string[] | undefined {
  if (index !== undefined) return isUtf8(data) ? [data.toString().trim()] : undefined;
  const plain = decompressed(data, attributes["encoding"]);
  const format = attributes["format"] ?? "json";
  if (plain === undefined || !isUtf8(plain) || (format !== "json" && format !== "ndjson")) return undefined;
  const texts = (format === "json" ? [plain.toString()] : plain.toString().split("\n")).map((text) => text.trim());
  const events = texts.filter((text) => text !== "");
  return events.length === 0 ? undefined : events;
}

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

// With `info`, which the types do not know of, zlib tells how much of the input it used.
const inflaters = { gzip: gunzipSync, zstd: zstdDecompressSync } as unknown as {
  readonly [encoding: string]: (data: Buffer, options: object) => Inflated;
};

/** Undefined too when something stands behind the end, such as a second frame of zstd: part of the data is not the data. */
function decompressed(data: Buffer, encoding = "identity"): Buffer | undefined {
  if (encoding === "identity") return data;
  const inflate = Object.hasOwn(inflaters, encoding) ? inflaters[encoding] : undefined;
  try {
    const inflated = inflate?.(data, { maxOutputLength: maxDecompressedBytes, info: true });
    return inflated?.engine.bytesWritten === data.length ? inflated.buffer : undefined;
  } catch {
    return undefined;
  }
}
