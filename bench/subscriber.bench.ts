/**
 * What an event costs the subscriber, step by step, beside the floors: `node --expose-gc bench/subscriber.bench.ts`.
 *
 *     node bench/subscriber.bench.ts [--rounds 7] [--soak-minutes 0]
 *
 * Microseconds of CPU (user and system, garbage collection included) of the whole process for each event of about 1 KB, in packed messages of 1,000
 * events; the median of the rounds, all rows in turn in each round. With --soak-minutes, the whole core runs on for so long and its memory is printed.
 */
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { descriptorOf, rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables, type Event } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { Admission } from "@indelible/subscriber/admission.ts";
import type { Appender } from "@indelible/subscriber/appender.ts";
import type { DeadLetters } from "@indelible/subscriber/dead-letters.ts";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { createDedup } from "@indelible/subscriber/dedup.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { ingest, type Pipeline } from "@indelible/subscriber/pipeline.ts";
import { validate } from "@indelible/subscriber/validate.ts";
import protobuf from "protobufjs";
import { messageTypeOf } from "../test/subscriber/rows.ts";

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "7" }, "soak-minutes": { type: "string", default: "0" } },
});
const MESSAGES = 20;
const EVENTS_PER_MESSAGE = 1_000;
const EVENTS = MESSAGES * EVENTS_PER_MESSAGE;
const table = "conversations";

const event = (index: number): Event => ({
  agent_position: "CFO",
  business_id: "acme",
  conversation_id: `conversation-${index}`,
  cost_usd: 0.0123,
  duration_seconds: 7,
  ended_at: "2026-01-31T09:30:07.123Z",
  input_tokens: 1200 + (index % 100),
  log_id: `0199f7a0-0000-7000-8000-${String(index).padStart(12, "0")}`,
  logged_at: "2026-01-31T09:30:07.130Z",
  model_name: "claude-3.5-sonnet",
  model_provider: "openrouter",
  output_tokens: 300,
  publisher_id: "0199f7a0-0000-7000-8000-00000000abcd",
  response_preview: `Campaign ${index} cost \$${index % 1000} and brought "much". `.repeat(4),
  seq: index + 1,
  started_at: "2026-01-31T09:30:00.123Z",
  status: "completed",
  total_tokens: 1500 + (index % 100),
  user_prompt_preview: `What did campaign ${index} cost us in the last quarter? `.repeat(5),
});

/** Messages of events that no other call gives. */
let made = 0;
function freshMessages(): Message[] {
  return Array.from({ length: MESSAGES }, (_, number) => {
    const lines = Array.from({ length: EVENTS_PER_MESSAGE }, () => canonicalize(event(made++)));
    return {
      id: `${made}-${number}`,
      publishedAt: 1_780_000_000_000_000,
      data: Buffer.from(lines.join("\n")),
      attributes: { format: "ndjson" },
    };
  });
}

const recorded = (entry: string, digest: string): Parameters<ReturnType<typeof rowEncoderOf>>[1] => ({
  published_at: 1_780_000_000_000_000,
  message_id: "17",
  ingested_at: 1_780_000_000_000_000,
  schema_version: 1,
  entry,
  entry_hash: digest,
});

// An appender and a dead-letter topic that cost nothing, so that what is measured is ours.
const appender: Appender = {
  append(_table, rows) {
    for (const row of rows) row(1_780_000_000_000_000);
    return Promise.resolve([]);
  },
  close: () => Promise.resolve(),
};
const deadLetters: DeadLetters = {
  publish(_table, _message, faults) {
    if (faults.length > 0) throw new Error(`${faults.length} events were refused: ${faults[0]?.detail}`);
    return Promise.resolve();
  },
};
const newPipeline = (): Pipeline => ({ admission: new Admission(), appender, dedup: createDedup(), deadLetters });

const faults: Fault[] = [];
const messages = freshMessages();
const lines = messages.map((message) => decode(message, faults).lines);
const texts = lines.flatMap((some) => some.map(({ text }) => text));
const valid = lines.map((some) => validate(table, some, faults));
const entries = messages.map((message, index) => hash(table, message, valid[index] ?? [], faults));
if (faults.length > 0) throw new Error(`${faults.length} events of the benchmark are bad`);
const gzipped = messages.map((message) => ({
  ...message,
  data: gzipSync(message.data),
  attributes: { ...message.attributes, encoding: "gzip" },
}));
const zstandard = messages.map((message) => ({
  ...message,
  data: zstdCompressSync(message.data),
  attributes: { ...message.attributes, encoding: "zstd" },
}));
const rows = entries.flatMap((some) =>
  some.map((one) => ({
    ...one.event,
    ...recorded(one.entry, one.entryHash),
    started_at: 1,
    ended_at: 1,
    logged_at: 1,
  })),
);

const type = messageTypeOf(descriptorOf(tables[table]));
new protobuf.Root().add(type).resolveAll();
// What Google's JSONWriter does with each row before it is written: no validation, no dedup, no hash.
const { JSONEncoder } = createRequire(import.meta.url)(
  "@google-cloud/bigquery-storage/build/src/managedwriter/encoder.js",
) as { JSONEncoder: new (params: object) => { encodeRows(rows: object[]): Uint8Array[] } };
const { normalizeDescriptor } = createRequire(import.meta.url)(
  "@google-cloud/bigquery-storage/build/src/adapt/index.js",
) as { normalizeDescriptor(descriptor: object): object };
const { protos } = createRequire(import.meta.url)("@google-cloud/bigquery-storage") as {
  protos: { google: { protobuf: { DescriptorProto: { fromObject(value: object): object } } } };
};
const googleEncoder = new JSONEncoder({
  protoDescriptor: normalizeDescriptor(protos.google.protobuf.DescriptorProto.fromObject(descriptorOf(tables[table]))),
});

// It takes timestamps as Dates.
const withDates = (one: Event): object => ({
  ...one,
  started_at: new Date(one["started_at"] as string),
  ended_at: new Date(one["ended_at"] as string),
  logged_at: new Date(one["logged_at"] as string),
});

let sink: unknown;
const cases: { readonly [name: string]: { prepare?: () => void; run: () => void | Promise<void> } } = {
  "floor: JSON.parse": { run: () => texts.forEach((text) => (sink = JSON.parse(text))) },
  "floor: ajv": { run: () => valid.flat().forEach((one) => assertEvent(table, one.event)) },
  "floor: JSON.stringify": { run: () => valid.flat().forEach((one) => (sink = JSON.stringify(one.event))) },
  "floor: SHA-256": { run: () => texts.forEach((text) => (sink = entryHash(text))) },
  "floor: protobufjs": { run: () => rows.forEach((row) => (sink = type.encode(row).finish())) },
  "floor: Google's JSONWriter, JSON.parse and encoding": {
    run: () => {
      for (const some of lines)
        sink = googleEncoder.encodeRows(some.map(({ text }) => withDates(JSON.parse(text) as Event)));
    },
  },
  decode: { run: () => messages.forEach((message) => (sink = decode(message, faults))) },
  "decode, gzip": { run: () => gzipped.forEach((message) => (sink = decode(message, faults))) },
  "decode, zstd": { run: () => zstandard.forEach((message) => (sink = decode(message, faults))) },
  "validate (with JSON.parse)": { run: () => lines.forEach((some) => (sink = validate(table, some, faults))) },
  "canonicalize and hash": {
    run: () => messages.forEach((message, index) => (sink = hash(table, message, valid[index] ?? [], faults))),
  },
  "dedup, all unseen": dedupCase(),
  encode: {
    run: () => {
      const encode = rowEncoderOf(tables[table]);
      for (const one of entries.flat()) sink = encode(one.event, recorded(one.entry, one.entryHash));
    },
  },
  "the whole core": wholeCase((message) => message),
  "the whole core, gzip": wholeCase((message) => ({
    ...message,
    data: gzipSync(message.data),
    attributes: { ...message.attributes, encoding: "gzip" },
  })),
  "the whole core, zstd": wholeCase((message) => ({
    ...message,
    data: zstdCompressSync(message.data),
    attributes: { ...message.attributes, encoding: "zstd" },
  })),
};

function dedupCase(): (typeof cases)[string] {
  let dedup = createDedup();
  return {
    prepare: () => (dedup = createDedup()),
    run: async () => {
      for (const some of entries) await dedup.once(table, some, () => Promise.resolve([]));
    },
  };
}

function wholeCase(packed: (message: Message) => Message): (typeof cases)[string] {
  let fresh: Message[] = [];
  // One pipeline for all rounds: its dedup is full after a while, as it is in a service.
  const pipeline = newPipeline();
  return {
    prepare: () => (fresh = freshMessages().map(packed)),
    run: async () => {
      for (const message of fresh) sink = await ingest(pipeline, table, message);
    },
  };
}

const results = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
for (let round = 0; round <= Number(values.rounds); round += 1) {
  for (const [name, { prepare, run }] of Object.entries(cases)) {
    prepare?.();
    globalThis.gc?.();
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    // The first round warms up.
    if (round > 0) results.get(name)?.push((user + system) / EVENTS);
  }
}
if (sink === undefined) throw new Error("nothing was measured");

const entryBytes = Math.round(texts.reduce((sum, text) => sum + text.length, 0) / texts.length);
console.log(`\n${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Node ${process.version}`);
console.log(
  `${EVENTS.toLocaleString("en")} events of ${entryBytes} bytes, ${EVENTS_PER_MESSAGE} a message, median of ${values.rounds} rounds`,
);
console.table(
  Object.fromEntries(
    [...results].map(([name, us]) => {
      const sorted = us.toSorted((a, b) => a - b);
      const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
      return [
        name,
        {
          "CPU us/event": median.toFixed(2),
          "least to most": `${sorted[0]?.toFixed(2)} to ${sorted.at(-1)?.toFixed(2)}`,
          "events/s on one core": Math.round(1e6 / median).toLocaleString("en"),
        },
      ];
    }),
  ),
);
console.log(
  `bytes a message: ${messages[0]?.data.length}, gzip ${gzipped[0]?.data.length}, zstd ${zstandard[0]?.data.length}`,
);

const soakMs = Number(values["soak-minutes"]) * 60_000;
if (soakMs > 0) await soak();

/** Runs the whole core for a time and prints its memory, a line each tenth of it. */
async function soak(): Promise<void> {
  const pipeline = newPipeline();
  const startMs = performance.now();
  let events = 0;
  const samples: object[] = [];
  for (let tenth = 1; tenth <= 10; tenth += 1) {
    while (performance.now() - startMs < (soakMs * tenth) / 10) {
      for (const message of freshMessages()) {
        await ingest(pipeline, table, message);
        events += EVENTS_PER_MESSAGE;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    const mebi = (bytes: number): number => Math.round(bytes / 1024 / 1024);
    samples.push({
      minutes: ((performance.now() - startMs) / 60_000).toFixed(1),
      events,
      "RSS MiB": mebi(rss),
      "heap MiB": mebi(heapUsed),
      "external MiB": mebi(external),
    });
  }
  console.table(samples);
}
