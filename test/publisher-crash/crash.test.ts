import assert from "node:assert/strict";
import { it } from "node:test";
import { runCrash } from "./crash.ts";

it("a seeded run - processes that log with a spool are killed, and every log_id that a finished tick had returned is sent, once", async () => {
  const lines: string[] = [];
  const { findings, figures } = await runCrash({
    seed: 2026,
    kills: 25,
    lanes: 4,
    outages: 1,
    floodEvery: 10,
    flushDeadlineMs: 1_000,
    throughWarehouse: false,
    onLine: (line) => {
      lines.push(line);
      console.error(performance.now() | 0, line);
    },
  });
  assert.deepEqual(findings, [], [...lines, JSON.stringify(figures)].join("\n"));
  for (const figure of [
    "outages of the broker",
    "processes that adopted events",
    "events touched by damage",
    "pieces in quarantine",
    "events sent more than once, times",
    "faults of the broker: publish refuse",
    "faults of the broker: publish cut-after",
  ]) {
    assert.ok((figures[figure] ?? 0) > 0, figure);
  }
  assert.ok((figures["events logged"] ?? 0) > 10_000, "10,000 events in a tick");
});
