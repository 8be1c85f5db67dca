/**
 * What the size of a message costs and saves: `node bench/batching.bench.ts`. Prints a table; nothing leaves the process. The defaults of
 * `maxBatchBytes` and `lingerMs` stand on it.
 */
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { newId } from "@indelible/publisher/identity.ts";
import { prepare, type Compression } from "@indelible/publisher/preparation.ts";
import { conversations } from "./publisher/events.ts";

const EVENTS = 9_600;
const sizes = [1, 2, 5, 20, 100, 400, 800, 1_600, 2_400];
const compressions: readonly Compression[] = ["zstd", "gzip", "none"];

const canonicalize = canonicalizerOf(tables.conversations);
const publisherId = newId();
const lines = conversations(EVENTS).map((event, index) =>
  canonicalize({
    ...event,
    log_id: newId(),
    logged_at: "2026-11-24T09:00:00.000Z",
    publisher_id: publisherId,
    seq: index + 1,
  }),
);
const jsonBytes = lines.reduce((sum, line) => sum + Buffer.byteLength(line), 0) / EVENTS;

let lastId = 0;

/** Bytes and microseconds an event, with `size` events in a message. */
function measure(size: number, compression: Compression): { readonly bytes: number; readonly us: number } {
  const settings = { id: (lastId += 1), redaction: {}, compression };
  const packs: Buffer[] = [];
  for (let from = 0; from < EVENTS; from += size) {
    packs.push(Buffer.from(`${lines.slice(from, from + size).join("\n")}\n`, "utf16le"));
  }
  let bytes = 0;
  const start = process.threadCpuUsage();
  for (const pack of packs) {
    bytes += prepare({ table: "conversations", bytes: pack, isSpooled: false, held: new Map() }, settings).data.length;
  }
  const { user, system } = process.threadCpuUsage(start);
  return { bytes: bytes / EVENTS, us: (user + system) / EVENTS };
}

// Once to warm up.
for (const compression of compressions) measure(100, compression);
console.log(`${EVENTS} events of ${Math.round(jsonBytes)} bytes as canonical JSON, no two alike, redaction included\n`);
const columns = compressions.flatMap((name) => [`${name}, bytes/event`, "of the JSON", "us/event"]);
console.log(`| events in a message | bytes before | ${columns.join(" | ")} |`);
console.log(`|${"---|".repeat(2 + columns.length)}`);
for (const size of sizes) {
  const cells = compressions.flatMap((name) => {
    const { bytes, us } = measure(size, name);
    return [bytes.toFixed(0), `${((bytes / jsonBytes) * 100).toFixed(0)} %`, us.toFixed(1)];
  });
  console.log(`| ${size} | ${Math.round(size * jsonBytes).toLocaleString("en")} | ${cells.join(" | ")} |`);
}
