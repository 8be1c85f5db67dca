import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import { assertAddsUp } from "./accounting.ts";
import { openFixture } from "./recording-transport.ts";
import { temporaryFolder } from "./spool/folder.ts";
import "./warm-background.ts";

type Log = ReturnType<typeof openFixture>["log"];

const faults: { readonly [what: string]: readonly [code: ErrorCode, call: (log: Log) => unknown] } = {
  // @ts-expect-error a field that the table does not have
  "a wrong field": ["ERR_UNKNOWN_FIELD", (log) => log.action({ mood: "good" })],
  // @ts-expect-error not of the closed set
  "a wrong enum": ["ERR_INVALID_EVENT", (log) => log.conversation({ status: "finished" })],
  // @ts-expect-error a required column that is missing
  "a missing column": ["ERR_INVALID_EVENT", (log) => log.thinking({})],
  "a number out of range": ["ERR_INVALID_EVENT", (log) => log.action({ duration_ms: -1 })],
  "a log_id that is none": ["ERR_INVALID_EVENT", (log) => log.action({ log_id: "1" })],
  NaN: ["ERR_UNSERIALIZABLE", (log) => log.action({ cost_usd: Number.NaN })],
  "half a surrogate pair": ["ERR_LONE_SURROGATE", (log) => log.action({ action_target: "\ud800" })],
  "an event that is too large": [
    "ERR_TOO_LARGE",
    (log) => log.action({ action_details: Array.from({ length: 10 }, () => "x".repeat(1_000_000)) }),
  ],
  // @ts-expect-error not of the closed set
  "a fault at the start of a conversation": ["ERR_INVALID_EVENT", (log) => log.conversation.start({ status: "x" })],
  "a fault at its end": [
    "ERR_UNKNOWN_FIELD",
    // @ts-expect-error a field that the table does not have
    (log) => log.conversation.start().end({ mood: "good" }),
  ],
};

for (const [what, [code, call]] of Object.entries(faults)) {
  test(`strict - ${what} throws ${code} in the call, which is counted and takes no number`, async () => {
    const { log, transport, errors } = openFixture({ strict: true });
    log.action({ action_target: "before" });
    const before = log.stats();
    assert.throws(() => call(log), { name: "IndelibleError", code });
    const { queued, refused } = log.stats();
    const started = queued - before.queued;
    assert.equal(refused, 1);
    assert.deepEqual(
      errors.map(({ error, about }) => [error.code, about.refused, about.events]),
      [[code, true, 1]],
    );
    log.action({ action_target: "after" });
    assert.deepEqual(await log.close(), { acknowledged: 2 + started, spooled: 0, outstanding: 0 });
    assertAddsUp(log, 3 + started);
    const numbers = transport.acknowledged.flatMap(({ text }) => text.match(/"seq":\d+/g) ?? []);
    assert.deepEqual(
      numbers.toSorted(),
      Array.from({ length: 2 + started }, (_, index) => `"seq":${index + 1}`),
    );
  });
}

test("strict - events that fit their declaration pass, and closing throws what it refuses", async () => {
  const { log } = openFixture({ strict: true });
  const conversation = log.conversation.start({ model_name: "m" });
  conversation.thinking({ thinking_type: "planning" });
  conversation.decision({ options_evaluated: [{ option: "a" }] });
  conversation.action.start({ action_type: "file_write" }).end({ success: true });
  conversation.escalation.start({ urgency: "high" }).resolve();
  conversation.mcpCall({ server_name: "s", tool_name: "t" });
  conversation.end({ status: "completed" });
  log.access({ principal: "p", access_type: "query", dataset_id: "d", table_id: "t" });
  assert.deepEqual(await log.close(), { acknowledged: 10, spooled: 0, outstanding: 0 });
  assert.throws(() => log.action({}), { code: "ERR_CLOSED" });
  assertAddsUp(log, 11);
});

for (const hasSpool of [false, true]) {
  test(`not strict - an invalid event travels and is told, ${hasSpool ? "with" : "without"} a spool`, async (context) => {
    const { log, transport, errors } = openFixture(hasSpool ? { spool: { directory: temporaryFolder(context) } } : {});
    // @ts-expect-error not of the closed set
    log.conversation({ status: "finished" });
    // @ts-expect-error a field that the table does not have
    log.action({ mood: "good" });
    log.action({ action_target: "right" });
    assert.deepEqual(await log.close(), { acknowledged: 3, spooled: 0, outstanding: 0 });
    assert.deepEqual(
      errors.map(({ error, about }) => [error.code, about.table, about.events, about.refused]).toSorted(),
      [
        ["ERR_INVALID_EVENT", "conversations", 1, false],
        ["ERR_UNKNOWN_FIELD", "action_logs", 1, false],
      ],
    );
    assert.equal(transport.events("action_logs")[0]!["mood"], "good");
    assertAddsUp(log, 3);
  });
}
