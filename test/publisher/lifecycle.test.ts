import assert from "node:assert/strict";
import { test } from "node:test";
import { openFixture, type Fixture } from "./recording-transport.ts";

interface Clock {
  ms: number;
}

function openWithClock(): Fixture & { readonly clock: Clock } {
  const clock: Clock = { ms: Date.UTC(2026, 0, 1, 9) };
  return { ...openFixture({ now: () => clock.ms }), clock };
}

test("conversation.start() - its events carry the conversation and the agent it was started with", async () => {
  const { log, transport } = openWithClock();
  const conversation = log.conversation.start({ model_name: "m", business_id: "other", agent_position: "CMO" });
  conversation.thinking({ thinking_type: "planning" });
  conversation.decision({ chosen_option: "a" });
  conversation.mcpCall({ server_name: "s", tool_name: "t" });
  conversation.action({ action_type: "file_write" });
  conversation.action.start({}).end({ success: true });
  conversation.escalation({ urgency: "high" });
  conversation.end({ status: "completed" });
  await log.flush();

  const agent = { business_id: "other", agent_position: "CMO" };
  for (const table of ["thinking_logs", "mcp_usage_logs", "action_logs", "conversations"]) {
    const events = transport.events(table);
    assert.ok(events.length > 0);
    for (const event of events) {
      const { business_id, agent_position, conversation_id } = event;
      assert.deepEqual({ business_id, agent_position }, agent);
      assert.equal(conversation_id, conversation.id);
    }
  }
  const [decision] = transport.events("decision_logs");
  assert.equal(decision!["agent_position"], "CMO");
  const [escalation] = transport.events("escalation_logs");
  assert.equal(escalation!["source_agent"], "CMO");
  assert.equal(escalation!["source_conversation_id"], conversation.id);
});

test("conversation.end() - a further entry with the start, the end and the whole seconds between", async () => {
  const { log, transport, clock } = openWithClock();
  const conversation = log.conversation.start({ conversation_id: "c1", model_name: "m" });
  clock.ms += 61_999;
  conversation.end({ status: "completed", total_tokens: 7 });
  await log.flush();
  const [start, end] = transport.events("conversations");
  assert.notEqual(start!["log_id"], end!["log_id"]);
  assert.equal(end!["conversation_id"], "c1");
  assert.equal(end!["started_at"], "2026-01-01T09:00:00.000Z");
  assert.equal(end!["ended_at"], "2026-01-01T09:01:01.999Z");
  assert.equal(end!["duration_seconds"], 61);
  assert.equal(end!["total_tokens"], 7);
  assert.equal(end!["model_name"], undefined);
});

test("conversation.end() - times and duration that the caller gives are kept", async () => {
  const { log, transport } = openWithClock();
  const given = log.conversation.start({ started_at: new Date(0) });
  given.end({ ended_at: "1970-01-01T00:00:05Z" });
  given.end({ duration_seconds: 3 });
  await log.flush();
  const [, first, second] = transport.events("conversations");
  assert.equal(first!["duration_seconds"], 5);
  assert.equal(second!["duration_seconds"], 3);
});

test("action.end() - a duration is left out when the clock went back", async () => {
  const { log, transport, clock } = openWithClock();
  const forward = log.action.start({ conversation_id: "c" });
  clock.ms += 1_500;
  forward.end({ success: true });
  const backward = log.action.start({});
  clock.ms -= 1;
  backward.end({ success: false });
  await log.flush();
  const events = transport.events("action_logs");
  const ends = events.filter(({ success }) => success !== undefined);
  assert.deepEqual(
    ends.map(({ action_id, duration_ms, completed_at, conversation_id }) => ({
      action_id,
      duration_ms,
      completed_at,
      conversation_id,
    })),
    [
      {
        action_id: forward.id,
        duration_ms: 1_500,
        completed_at: "2026-01-01T09:00:01.500Z",
        conversation_id: "c",
      },
      {
        action_id: backward.id,
        duration_ms: undefined,
        completed_at: "2026-01-01T09:00:01.499Z",
        conversation_id: undefined,
      },
    ],
  );
});

test("escalation.resolve() - says whether the target was met, where one was given", async () => {
  const { log, transport, clock } = openWithClock();
  const target = new Date(clock.ms + 60_000);
  const inTime = log.escalation.start({ subject: "in time", sla_target: target });
  const late = log.escalation.start({ subject: "late", sla_target: target.toISOString() });
  const without = log.escalation.start({ subject: "without" });
  inTime.acknowledge({ target: "HUMAN" });
  clock.ms += 60_000;
  inTime.resolve({ resolved_by: "ceo" });
  clock.ms += 1;
  late.resolve({});
  without.resolve();
  await log.flush();
  const events = transport.events("escalation_logs");
  const acknowledged = events.find(({ acknowledged_at }) => acknowledged_at !== undefined);
  assert.equal(acknowledged!["escalation_id"], inTime.id);
  assert.equal(acknowledged!["acknowledged_at"], "2026-01-01T09:00:00.000Z");
  const resolved = events.filter(({ resolved_at }) => resolved_at !== undefined);
  assert.deepEqual(
    resolved.map(({ escalation_id, sla_met, source_agent, escalated_at }) => [
      escalation_id,
      sla_met,
      source_agent,
      escalated_at,
    ]),
    [
      [inTime.id, true, "CFO", "2026-01-01T09:00:00.000Z"],
      [late.id, false, "CFO", "2026-01-01T09:00:00.000Z"],
      [without.id, undefined, "CFO", "2026-01-01T09:00:00.000Z"],
    ],
  );
});
