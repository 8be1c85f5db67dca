import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { eventsOf, openFixture } from "./recording-transport.ts";

const UUID_V7 = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

test("conversation() - what the caller left out is filled in", async () => {
  const { log, transport } = openFixture({ now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), publisherId: "p1" });
  const logId = log.conversation({ model_name: "m", ended_at: null });
  await log.flush();
  const [event] = transport.events("conversations");
  assert.match(logId, UUID_V7);
  assert.match(event!["conversation_id"] as string, UUID_V7);
  assert.deepEqual(event, {
    log_id: logId,
    conversation_id: event!["conversation_id"],
    business_id: "acme",
    agent_position: "CFO",
    model_name: "m",
    started_at: "2026-01-02T03:04:05.006Z",
    logged_at: "2026-01-02T03:04:05.006Z",
    ended_at: null,
    publisher_id: "p1",
    seq: 1,
  });
});

test("conversation() - what the caller gives is kept, so that sending twice gives the same bytes", async () => {
  const { log, transport } = openFixture();
  const fields = {
    log_id: "0199f7a0-0000-7000-8000-000000000001",
    conversation_id: "c1",
    business_id: "other",
    agent_position: "CMO",
    started_at: "2020-01-01T00:00:00+01:00",
    logged_at: new Date(0),
    publisher_id: "import-1",
    seq: 41,
  };
  assert.equal(log.conversation(fields), fields.log_id);
  log.conversation(fields);
  log.conversation({});
  await log.flush();
  const [first, second, third] = transport.acknowledged[0]!.text.split("\n");
  assert.equal(first, second);
  assert.equal(first, canonicalize(fields));
  assert.equal((JSON.parse(third!) as { seq: number }).seq, 1);
});

test("conversation() - null counts as left out", async () => {
  const { log, transport } = openFixture();
  log.conversation({ conversation_id: null, business_id: null, log_id: null, seq: null });
  await log.flush();
  const [event] = transport.events("conversations");
  assert.equal(event!["business_id"], "acme");
  assert.equal(event!["seq"], 1);
  assert.match(event!["conversation_id"] as string, UUID_V7);
});

test("action() - the event is as it was at the call, whatever the caller does with it afterwards", async () => {
  const { log, transport } = openFixture();
  const fields = { action_details: { amount: 1 }, action_target: "before" };
  log.action(fields);
  fields.action_details.amount = 2;
  fields.action_target = "after";
  await log.flush();
  const [event] = transport.events("action_logs");
  assert.deepEqual(event!["action_details"], { amount: 1 });
  assert.equal(event!["action_target"], "before");
});

test("conversation() - a preview is cut to 500 characters and never within one", async () => {
  const { log, transport } = openFixture();
  log.conversation({ user_prompt_preview: "a".repeat(499) + "😀😀", response_preview: "ü".repeat(500) });
  await log.flush();
  const [event] = transport.events("conversations");
  assert.equal(event!["user_prompt_preview"], "a".repeat(499) + "😀");
  assert.equal(event!["response_preview"], "ü".repeat(500));
});

test("every method - what it sends is canonical and valid for its table", async () => {
  const { log, transport } = openFixture();
  log.conversation({ cost_usd: 1e-7 });
  log.thinking({ conversation_id: "c", thinking_content: "\u0000 \u2028 é" });
  log.decision({ options_evaluated: [{ score: 1, option: "a", pros: ["b"] }] });
  log.action({ action_details: { z: 1, a: [null, { b: 1.5 }] } });
  log.escalation({ urgency: "critical" });
  log.mcpCall({ server_name: "s", tool_name: "t", parameters: [] });
  log.access({ principal: "p", access_type: "query", dataset_id: "d", table_id: "t" });
  assert.deepEqual(await log.flush(), { acknowledged: 7, spooled: 0, outstanding: 0 });
  assert.equal(transport.acknowledged.length, 7);
  for (const message of transport.acknowledged) {
    const [event] = eventsOf(message);
    assert.equal(message.text, canonicalize(event));
    assertEvent(message.topic.slice("agent-logs.".length) as TableName, event);
  }
});

const cyclic: { self?: unknown } = {};
cyclic.self = cyclic;

const unserializable: { readonly [what: string]: () => object } = {
  "a cycle": () => ({ action_details: cyclic }),
  NaN: () => ({ cost_usd: Number.NaN }),
  "half a surrogate pair": () => ({ action_target: "\ud800" }),
  "a bigint beyond 2^53": () => ({ action_details: { big: 2n ** 60n } }),
  "a getter that throws": () => ({
    get action_target(): string {
      throw new Error("no");
    },
  }),
  "a toJSON that throws no error": () => ({
    action_details: {
      toJSON() {
        // oxlint-disable-next-line no-throw-literal
        throw undefined;
      },
    },
  }),
};

for (const [what, fields] of Object.entries(unserializable)) {
  test(`action() - ${what} refuses the event, is reported and takes no number`, async () => {
    const { log, transport, errors } = openFixture();
    log.action({ action_target: "first" });
    assert.match(log.action(fields()), UUID_V7);
    const action = log.action.start(fields());
    assert.match(action.id, UUID_V7);
    log.action({ action_target: "second" });
    await log.close();
    assert.deepEqual(
      transport.events("action_logs").map(({ seq }) => seq),
      [1, 2],
    );
    assert.equal(log.stats().refused, 2);
    assert.deepEqual(
      errors.map(({ about }) => about),
      [
        { table: "action_logs", events: 1, refused: true },
        { table: "action_logs", events: 1, refused: true },
      ],
    );
  });
}

test("thinking() - an event that no message can carry is refused as too large", async () => {
  const { log, errors } = openFixture();
  log.thinking({ conversation_id: "c", thinking_content: "é".repeat(4_800_000) });
  assert.equal(errors[0]!.error.code, "ERR_TOO_LARGE");
  const { queued, refused, refusedByTable, queuedBytes } = log.stats();
  assert.deepEqual([queued, refused, refusedByTable, queuedBytes], [0, 1, { thinking_logs: 1 }, 0]);
  await log.close();
});

test("action() - a full queue refuses events, reports them together, and takes events again when it has room", async () => {
  const { log, errors, transport } = openFixture({ maxQueuedBytes: 10_000 });
  for (let index = 0; index < 100; index += 1) log.action({ action_target: "x".repeat(500) });
  const { queued, refused, queuedBytes } = log.stats();
  assert.equal(queued + refused, 100);
  assert.ok(queued > 5 && queuedBytes <= 10_000);
  assert.equal(errors.length, 1);
  assert.equal(errors[0]!.error.code, "ERR_QUEUE_FULL");
  await log.flush();
  assert.equal(log.stats().queuedBytes, 0);
  log.action({});
  await log.close();
  assert.equal(log.stats().acknowledged, queued + 1);
  assert.deepEqual(
    transport.events("action_logs").map(({ seq }) => seq),
    Array.from({ length: queued + 1 }, (_, index) => index + 1),
  );
  assert.equal(
    errors.reduce((sum, { about }) => sum + about.events, 0),
    refused,
  );
});

test("onError - one that throws, rejects or logs does no harm", async () => {
  const { log } = openFixture({
    onError: (_error, { events }) => {
      log.action({ cost_usd: Number.NaN });
      if (events === 1) throw new Error("no");
      return Promise.reject(new Error("no"));
    },
  });
  log.action({ cost_usd: Number.NaN });
  await log.close();
  assert.ok(log.stats().refused >= 2);
});
