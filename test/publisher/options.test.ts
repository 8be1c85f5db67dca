import assert from "node:assert/strict";
import { test } from "node:test";
import { createPublisher, type PublisherOptions } from "@indelible/publisher";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { RecordingTransport } from "./recording-transport.ts";

const good = { businessId: "acme", agentPosition: "CFO" };

const bad: readonly (readonly [option: string, value: unknown])[] = [
  ["businessId", undefined],
  ["businessId", ""],
  ["businessId", "a".repeat(257)],
  ["businessId", "\udc00"],
  ["agentPosition", 5],
  ["projectId", ""],
  ["publisherId", "x".repeat(129)],
  ["topicPrefix", "goog-logs"],
  ["topicPrefix", "with space"],
  ["lingerMs", -1],
  ["lingerMs", 1.5],
  ["maxBatchBytes", 3_000_001],
  ["maxBatchEvents", 0],
  ["maxQueuedBytes", Number.NaN],
  ["maxInFlight", 0],
  ["publishDeadlineMs", Infinity],
  ["onError", "console.error"],
  ["now", 0],
  ["newId", "id"],
];

for (const [option, value] of bad) {
  test(`createPublisher() - ${option} = ${String(value).slice(0, 20)} is refused with a hint that names it`, () => {
    assert.throws(
      () => createPublisher({ ...good, [option]: value }),
      (error) => IndelibleError.is(error) && error.code === "ERR_CONFIG" && error.hint.includes(option),
    );
  });
}

test("createPublisher() - no options at all are refused", () => {
  assert.throws(() => createPublisher(undefined as unknown as PublisherOptions), { code: "ERR_CONFIG" });
});

test("createPublisher() - a project beside a transport is refused, for the transport has its own", () => {
  assert.throws(() => createPublisher({ ...good, projectId: "p", transport: new RecordingTransport() }), {
    code: "ERR_CONFIG",
  });
});
