import assert from "node:assert/strict";
import { it } from "node:test";
import { runChaos } from "./chaos.ts";

it("a seeded run - processes are killed, connections cut and requests failed, and every event is accounted for", async () => {
  const lines: string[] = [];
  const { findings, deaths, figures } = await runChaos({
    seed: 2026,
    events: 3000,
    maxEventsPerMessage: 12,
    kills: 6,
    cuts: 12,
    intensity: 3,
    hangs: false,
    deadlineMs: 120_000,
    onLine: (line) => lines.push(line),
  });
  assert.deepEqual({ findings, deaths }, { findings: [], deaths: [] }, lines.join("\n"));
  assert.deepEqual(
    [
      figures["kills of broker"],
      figures["kills of warehouse"],
      figures["kills of function"],
      figures["connections cut"],
    ],
    [2, 2, 2, 12],
  );
  for (const fault of ["publish cut-after", "push cut-after", "ack redeliver", "acknowledge cut-after"]) {
    assert.ok((figures[`faults of the broker: ${fault}`] ?? 0) > 0, fault);
  }
  for (const fault of ["refuse", "cut-after", "row-error", "schema-update"]) {
    assert.ok((figures[`faults of the warehouse: appendRows ${fault}`] ?? 0) > 0, fault);
  }
});
