import assert from "node:assert/strict";
import { test } from "node:test";
import type { PublisherOptions } from "@indelible/publisher";
import { openFixture } from "./recording-transport.ts";

/** Each of these lines is checked by the compiler: an error that is expected and does not come is one itself. */
test("Log - what the validator refuses does not compile, and what the publisher fills in may be left out", async () => {
  const { log } = openFixture();
  log.conversation({ status: "completed", started_at: new Date(), business_id: null });
  // @ts-expect-error an unknown field
  log.conversation({ mood: "good" });
  // @ts-expect-error a closed set
  log.conversation({ status: "finished" });
  // @ts-expect-error text in a number
  log.conversation({ total_tokens: "7" });
  // @ts-expect-error a recorded column
  log.conversation({ ingested_at: new Date() });

  log.thinking({ conversation_id: "c" });
  // @ts-expect-error an unknown field
  log.thinking({ conversation_id: "c", mood: "good" });
  // @ts-expect-error a closed set
  log.thinking({ conversation_id: "c", thinking_type: "guessing" });
  // @ts-expect-error a required column
  log.thinking({});
  // @ts-expect-error a required column that is null
  log.thinking({ conversation_id: null });

  log.decision({ options_evaluated: [{ option: "a", pros: ["cheap"] }] });
  // @ts-expect-error an unknown field
  log.decision({ mood: "good" });
  // @ts-expect-error a closed set
  log.decision({ decision_type: "guess" });
  // @ts-expect-error an unknown field deep inside
  log.decision({ options_evaluated: [{ option: "a", weight: 1 }] });

  log.action({ action_details: { any: ["json", null] } });
  // @ts-expect-error an unknown field
  log.action({ mood: "good" });
  // @ts-expect-error a closed set
  log.action({ action_type: "guess" });
  // @ts-expect-error what is not JSON
  log.action({ action_details: () => 1 });

  log.escalation({ urgency: "critical", target: "HUMAN" });
  // @ts-expect-error an unknown field
  log.escalation({ mood: "good" });
  // @ts-expect-error a closed set
  log.escalation({ urgency: "extreme" });
  // @ts-expect-error a column of other tables
  log.escalation({ agent_position: "CFO" });

  log.mcpCall({ server_name: "s", tool_name: "t" });
  // @ts-expect-error an unknown field
  log.mcpCall({ server_name: "s", tool_name: "t", mood: "good" });
  // @ts-expect-error a required column
  log.mcpCall({ server_name: "s" });
  // @ts-expect-error text in a truth value
  log.mcpCall({ server_name: "s", tool_name: "t", success: "yes" });

  log.access({ principal: "p", access_type: "query", dataset_id: "d", table_id: "t" });
  // @ts-expect-error an unknown field
  log.access({ principal: "p", access_type: "query", dataset_id: "d", table_id: "t", mood: "good" });
  // @ts-expect-error a closed set
  log.access({ principal: "p", access_type: "guess", dataset_id: "d", table_id: "t" });
  // @ts-expect-error required columns
  log.access({ principal: "p" });
  await log.close();
  assert.ok(log.stats().acknowledged > 0);
});

test("Conversation, Action, Escalation - a helper's methods take their table's columns, without its identity", async () => {
  const { log } = openFixture();
  const conversation = log.conversation.start();
  // @ts-expect-error an unknown field
  log.conversation.start({ mood: "good" });
  conversation.thinking({});
  conversation.thinking({ conversation_id: "another" });
  // @ts-expect-error an unknown field
  conversation.thinking({ mood: "good" });
  // @ts-expect-error a closed set
  conversation.decision({ decision_type: "guess" });
  // @ts-expect-error a required column
  conversation.mcpCall({ tool_name: "t" });
  // @ts-expect-error a closed set
  conversation.action({ action_type: "guess" });
  // @ts-expect-error an unknown field
  conversation.escalation({ mood: "good" });
  conversation.end({ status: "completed" });
  // @ts-expect-error a closed set
  conversation.end({ status: "finished" });
  // @ts-expect-error the identity is carried over
  conversation.end({ conversation_id: "another" });

  const action = log.action.start();
  // @ts-expect-error an unknown field
  conversation.action.start({ mood: "good" });
  action.end({ success: true });
  // @ts-expect-error text in a truth value
  action.end({ success: "yes" });
  // @ts-expect-error the identity is carried over
  action.end({ action_id: "another" });

  const escalation = log.escalation.start({ urgency: "high" });
  // @ts-expect-error a closed set
  conversation.escalation.start({ urgency: "extreme" });
  escalation.acknowledge({ resolved_by: "ceo" });
  // @ts-expect-error an unknown field
  escalation.acknowledge({ mood: "good" });
  escalation.resolve({ sla_met: true });
  // @ts-expect-error text in a truth value
  escalation.resolve({ sla_met: "yes" });
  // @ts-expect-error the identity is carried over
  escalation.resolve({ escalation_id: "another" });
  await log.close();
});

test("PublisherOptions - an option that there is not, or a value that it does not take, does not compile", () => {
  const agent = { businessId: "acme", agentPosition: "CFO" };
  const right: PublisherOptions[] = [
    agent,
    { ...agent, compression: "gzip", redaction: false, spool: { directory: "/x" } },
    { ...agent, redaction: { patterns: [{ kind: "own", pattern: /x/ }], keys: ["pin"] } },
  ];
  const wrong: PublisherOptions[] = [
    // @ts-expect-error a required option
    { businessId: "acme" },
    // @ts-expect-error an unknown option
    { ...agent, lingerSeconds: 1 },
    // @ts-expect-error text in a number
    { ...agent, lingerMs: "20" },
    // @ts-expect-error a compression that there is not
    { ...agent, compression: "brotli" },
    // @ts-expect-error a spool without a directory
    { ...agent, spool: { maxBytes: 1 } },
    // @ts-expect-error an unknown option of the spool
    { ...agent, spool: { directory: "/x", sync: true } },
    // @ts-expect-error false, or options
    { ...agent, redaction: true },
    // @ts-expect-error a pattern that is text
    { ...agent, redaction: { patterns: [{ kind: "own", pattern: "x" }] } },
    // @ts-expect-error text in a truth value
    { ...agent, strict: "yes" },
    // @ts-expect-error a transport that cannot be closed
    { ...agent, transport: { publish: () => Promise.resolve("1") } },
  ];
  assert.deepEqual([right.length, wrong.length], [3, 10]);
});
