import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import type { Measured, Report, Task } from "./child.ts";
import { eventsIn } from "./events.ts";
import { PINO_FILE } from "./libraries.ts";
import type { Peer, Workshop } from "./processes.ts";
import { rows, type RowName } from "./rows.ts";
import type { Behaviour, SinkCount, SinkKind } from "./sink.ts";

/** `down` is a port on which nobody listens. */
export type Condition = Behaviour | "down";

export type Outcome = Measured | { readonly unavailable: string };

const ROW_DEADLINE_MS = 180_000;
const START_DEADLINE_MS = 10_000;

/** Measures one row once, in a fresh process against a fresh sink. */
export async function runRow(
  workshop: Workshop,
  name: RowName,
  events: number,
  condition: Condition = "ok",
  overflows = false,
): Promise<Outcome> {
  const row = rows[name];
  const folder = workshop.newFolder();
  const hasSink = (row.sink === "grpc" || row.sink === "http") && condition !== "down";
  const sink = hasSink ? workshop.start("sink.ts", [row.sink as SinkKind, condition]) : undefined;
  try {
    const port = sink === undefined ? await freePort() : (await sink.next<{ port: number }>(START_DEADLINE_MS)).port;
    const flushDeadlineMs = condition === "ok" ? 60_000 : 2_000;
    const task: Task = { row: name, events, overflows, port, folder, maxEvents: events * 2, flushDeadlineMs };
    const child = workshop.start("child.ts", [JSON.stringify(task)], {
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${port}`,
      PUBSUB_PROJECT_ID: "bench",
    });
    try {
      return await hear(child, sink, join(folder, PINO_FILE));
    } finally {
      await child.end();
    }
  } finally {
    await sink?.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers what the child asks about the sink, until it has reported. */
async function hear(child: Peer, sink: Peer | undefined, file: string): Promise<Outcome> {
  let bytesBefore = 0;
  for (;;) {
    const report = await child.next<Report>(ROW_DEADLINE_MS);
    if ("measured" in report) return report.measured;
    if ("unavailable" in report) return report;
    if (sink !== undefined) {
      child.send(await sink.ask<object>(report.ask));
      continue;
    }
    const written = existsSync(file) ? readFileSync(file).subarray(bytesBefore) : Buffer.alloc(0);
    if (report.ask === "reset") bytesBefore = written.length;
    child.send({ bytes: written.length, requests: 0, events: eventsIn(written) } satisfies SinkCount);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
