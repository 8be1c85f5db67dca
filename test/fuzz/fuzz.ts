import { gzipSync, zstdCompressSync } from "node:zlib";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { errorKinds } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type TableName } from "@indelible/schemas/tables.ts";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { validate } from "@indelible/subscriber/validate.ts";
import fc from "fast-check";
import { transcriptEntries } from "../../cli/import/source.ts";
import { Tally } from "../../cli/import/tally.ts";
import { eventsOf } from "../schemas/samples.ts";
import { shared } from "../shared.ts";

/** What became of the messages and their events. */
export interface Figures {
  messages: number;
  accepted: number;
  /** Dead letters by code. */
  readonly deadLettered: { [code: string]: number };
  /** The longest that one message took, in milliseconds. */
  slowestMs: number;
}

interface Sample {
  readonly table: TableName;
  readonly texts: readonly string[];
}

/** Ways to damage a text that are likelier to reach the validator than flipped bytes are. */
const splices = [
  "null",
  "-0",
  "1e400",
  "9007199254740993",
  '"\\ud800"',
  "{}",
  "[]",
  '"x":1,',
  "\\u0000",
  "\n",
  "\ufeff",
  '"',
  "\\",
  ",",
  "}",
  "{",
  "[[[[",
  "2026-13-01T00:00:00Z",
  "1970-01-01T00:00:00+99:99",
  '"__proto__":{"a":1},',
  '"constructor":1,',
  '"log_id":null,',
  "\u2028",
  "é",
  "😀",
];
const encodings = ["identity", "gzip", "zstd", "GZIP", "", "br"];
const formats = ["json", "ndjson", "", "NDJSON"];

/**
 * Sends `messages` mutated messages through decode, validate, hash and the row encoder. The same seed gives the same messages.
 *
 * @throws at the first message that is not accounted for: each event must be an entry whose text is canonical and whose hash fits, or a fault with
 * a code that is not retryable; nothing may throw
 */
export async function fuzz(options: {
  readonly messages: number;
  readonly seed: number;
  readonly onProgress?: (done: number) => void;
}): Promise<Figures> {
  const random = mulberry32(options.seed);
  const samples = await samplesOf(options.seed);
  const figures: Figures = { messages: 0, accepted: 0, deadLettered: {}, slowestMs: 0 };
  for (let index = 0; index < options.messages; index += 1) {
    const sample = pick(random, samples);
    const message = mutated(random, sample, samples, index);
    try {
      check(sample.table, message, figures);
    } catch (cause) {
      const shown = `seed ${options.seed}, message ${index} to ${sample.table}, ${JSON.stringify(message.attributes)}`;
      throw new Error(`${shown}, data in base64: ${message.data.toString("base64")}`, { cause });
    }
    if (index % 10_000 === 9_999) {
      options.onProgress?.(index + 1);
      // Whoever runs this may want to interrupt it.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return figures;
}

/** Messages' events as agents send them: arbitrary ones of each table, and those of the airline runs where they are there. */
async function samplesOf(seed: number): Promise<Sample[]> {
  const samples = publishedTables.flatMap((table) =>
    fc
      .sample(fc.array(eventsOf(table), { minLength: 1, maxLength: 4 }), { numRuns: 100, seed })
      .map((events) => ({ table, texts: events.map((event) => canonicalize(event)) })),
  );
  const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");
  if (airline.skip !== false) return samples;
  const real = transcriptEntries(
    [airline.path],
    { businessId: "acme", agentPosition: "support", serverName: "airline", startedAt: 0 } as Parameters<
      typeof transcriptEntries
    >[1],
    new Tally(),
  );
  for await (const { table, event } of real) {
    samples.push({ table, texts: [canonicalize(event)] });
    if (samples.length === 1500) break;
  }
  return samples;
}

function mutated(random: () => number, sample: Sample, samples: readonly Sample[], index: number): Message {
  let data: Buffer = Buffer.from(sample.texts.join("\n"));
  const edits = Math.floor(random() * 4);
  for (let edit = 0; edit < edits; edit += 1) data = damaged(random, data, samples);
  const attributes: { [name: string]: string } = {};
  if (sample.texts.length > 1 || random() < 0.5) attributes["format"] = "ndjson";
  const encoding = random() < 0.2 ? pick(random, ["gzip", "zstd"]) : undefined;
  if (encoding !== undefined) {
    data = encoding === "gzip" ? gzipSync(data, { level: 1 }) : zstdCompressSync(data);
    attributes["encoding"] = encoding;
    if (random() < 0.5) data = flipped(random, data);
  }
  if (random() < 0.02) attributes["encoding"] = pick(random, encodings);
  if (random() < 0.02) attributes["format"] = pick(random, formats);
  return { id: String(index), publishedAt: 1_780_000_000_000_000, data, attributes };
}

function damaged(random: () => number, data: Buffer, samples: readonly Sample[]): Buffer {
  const at = Math.floor(random() * (data.length + 1));
  const upTo = Math.min(data.length, at + Math.floor(random() * 20));
  switch (Math.floor(random() * 6)) {
    case 0:
      return flipped(random, data);
    case 1:
      return Buffer.concat([data.subarray(0, at), data.subarray(upTo)]);
    case 2:
      return Buffer.concat([data.subarray(0, at), Buffer.from(pick(random, splices)), data.subarray(at)]);
    case 3:
      return Buffer.concat([data.subarray(0, at), Buffer.from(pick(random, splices)), data.subarray(upTo)]);
    case 4:
      return Buffer.concat([data.subarray(0, upTo), data.subarray(at)]);
    default:
      // The head of one event and the tail of another.
      return Buffer.concat([data.subarray(0, at), Buffer.from(pick(random, samples).texts[0] as string).subarray(at)]);
  }
}

function flipped(random: () => number, data: Buffer): Buffer {
  const copy = Buffer.from(data);
  if (copy.length > 0) copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
  return copy;
}

function check(table: TableName, message: Message, figures: Figures): void {
  const startMs = performance.now();
  const faults: Fault[] = [];
  const { lines } = decode(message, faults);
  const decodedFaults = faults.length;
  const entries = hash(table, message, validate(table, lines, faults), faults);
  for (const { event, entry, entryHash: digest, logId } of entries) {
    const row = rowEncoderOf(tables[table])(event, {
      published_at: message.publishedAt,
      message_id: message.id,
      ingested_at: 1_780_000_000_000_000,
      schema_version: tables[table].version,
      entry,
      entry_hash: digest,
    });
    if (row.length === 0 || logId === "") throw new Error("an entry without a row or an ID");
    if (canonicalize(JSON.parse(entry)) !== entry) throw new Error("an entry that is not canonical");
    if (entryHash(entry) !== digest) throw new Error("an entry whose hash does not fit");
  }
  figures.slowestMs = Math.max(figures.slowestMs, performance.now() - startMs);
  if (entries.length + faults.length !== lines.length + decodedFaults)
    throw new Error("an event that is not accounted for");
  if (entries.length + faults.length === 0) throw new Error("a message of which nothing is left");
  for (const { code, detail } of faults) {
    if (errorKinds[code].retryable || detail === "") throw new Error(`a dead letter with the reason ${code} ${detail}`);
    figures.deadLettered[code] = (figures.deadLettered[code] ?? 0) + 1;
  }
  figures.messages += 1;
  figures.accepted += entries.length;
}

function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)] as T;
}

/** A small generator of numbers in [0, 1), by Tommy Ettinger (public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
