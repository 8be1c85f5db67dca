import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { createPublisher } from "@indelible/publisher";
import { REPORT_INTERVAL_MS, Reports, type ErrorContext } from "@indelible/publisher/reports.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { RecordingTransport } from "./recording-transport.ts";

const full = new IndelibleError("ERR_QUEUE_FULL", "full");
const missing = new IndelibleError("ERR_PUBLISH", "no topic");

test("Reports - the first of a kind is told at once, the rest added up and told once a second", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const told: ErrorContext[] = [];
  const reports = new Reports((_error, about) => told.push(about));
  const refused = (events: number): ErrorContext => ({ table: "conversations", events, refused: true });
  const waiting = (events: number): ErrorContext => ({ table: "conversations", events, refused: false });

  for (let count = 0; count < 5; count += 1) reports.add(full, refused(2));
  for (const events of [3, 9, 7]) reports.add(missing, waiting(events));
  assert.deepEqual(told.splice(0), [refused(2), waiting(3)]);

  context.mock.timers.tick(REPORT_INTERVAL_MS);
  assert.deepEqual(told.splice(0), [refused(8), waiting(7)]);

  context.mock.timers.tick(REPORT_INTERVAL_MS);
  assert.deepEqual(told, []);
  reports.add(full, refused(1));
  reports.add(full, refused(4));
  reports.drain();
  assert.deepEqual(told, [refused(1), refused(4)]);
});

test("createPublisher() - without onError a refused event is a process warning with the hint", async () => {
  const log = createPublisher({ businessId: "acme", agentPosition: "CFO", transport: new RecordingTransport() });
  const warned = once(process, "warning");
  log.action({ cost_usd: Number.NaN });
  const [warning] = (await warned) as [Error & { code: string; detail: string }];
  assert.equal(warning.name, "IndelibleWarning");
  assert.equal(warning.code, "ERR_UNSERIALIZABLE");
  assert.match(warning.message, /1 events of action_logs refused/);
  await log.close();
});
