import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertEvent } from "@indelible/schemas/validator.ts";
import fc from "fast-check";
import { methodOf, type Entry } from "../../cli/delivery/entries.ts";
import { entriesOf, type ImportOptions } from "../../cli/import/mapping.ts";
import { Tally } from "../../cli/import/tally.ts";
import type { JsonObject } from "../../cli/json.ts";
import { readRuns, type Message, type Run } from "../../cli/import/transcript.ts";
import { eventsOf, openFixture } from "../publisher/recording-transport.ts";
import { shared } from "../shared.ts";

const options: ImportOptions = {
  businessId: "acme",
  agentPosition: "support",
  serverName: "tools",
  startedAt: 0,
};

function runOf(messages: readonly object[], fields: Run["fields"] = {}): Run {
  return { place: "run 1", content: { ...fields, messages }, fields, messages: messages as readonly Message[] };
}

function map(messages: readonly object[], fields?: Run["fields"]): { entries: readonly Entry[]; tally: Tally } {
  const tally = new Tally();
  return { entries: entriesOf(runOf(messages, fields), options, tally), tally };
}

/** The columns of one table's entries that the test is about. */
function columns(entries: readonly Entry[], table: Entry["table"], ...names: string[]): unknown[] {
  return entries
    .filter((entry) => entry.table === table)
    .map(({ event }) => Object.fromEntries(names.map((name) => [name, (event as unknown as JsonObject)[name]])));
}

/** The messages that a publisher makes of entries, and the errors that it reports. */
async function published(entries: readonly Entry[]): Promise<{ texts: string[]; errors: unknown[] }> {
  const { log, transport, errors } = openFixture();
  for (const { table, event } of entries) methodOf(log, table)(event);
  await log.close();
  return { texts: transport.acknowledged.map(({ topic, text }) => `${topic}\n${text}`).sort(), errors };
}

async function assertPublishable(entries: readonly Entry[]): Promise<void> {
  const { log, transport, errors } = openFixture();
  for (const { table, event } of entries) methodOf(log, table)(event);
  await log.close();
  assert.deepEqual(errors, []);
  for (const message of transport.acknowledged) {
    const table = message.topic.slice("agent-logs.".length) as Entry["table"];
    for (const event of eventsOf(message)) assertEvent(table, event);
  }
}

const call = (id: string, name = "lookup", args: unknown = '{"user":"mia"}'): object => ({
  id,
  type: "function",
  function: { name, arguments: args },
});

describe("entriesOf()", () => {
  it("a run becomes a conversation, its tool calls actions and MCP calls", () => {
    const { entries, tally } = map(
      [
        { role: "system", content: "You are kind." },
        { role: "user", content: "Where is my order?" },
        { role: "assistant", content: "One moment.", tool_calls: [call("c1")] },
        { role: "tool", tool_call_id: "c1", name: "lookup", content: "on its way" },
        { role: "assistant", content: "It is on its way." },
      ],
      { model: "gpt-4o" },
    );
    assert.deepEqual(
      entries.map(({ table }) => table),
      [
        "conversations",
        "conversations",
        "conversations",
        "action_logs",
        "action_logs",
        "mcp_usage_logs",
        "conversations",
        "conversations",
      ],
    );
    assert.deepEqual(
      columns(entries, "conversations", "model_name", "user_prompt_preview", "response_preview", "status"),
      [
        { model_name: "gpt-4o", user_prompt_preview: undefined, response_preview: undefined, status: undefined },
        {
          model_name: undefined,
          user_prompt_preview: "Where is my order?",
          response_preview: undefined,
          status: undefined,
        },
        { model_name: undefined, user_prompt_preview: undefined, response_preview: "One moment.", status: undefined },
        {
          model_name: undefined,
          user_prompt_preview: undefined,
          response_preview: "It is on its way.",
          status: undefined,
        },
        { model_name: undefined, user_prompt_preview: undefined, response_preview: undefined, status: "completed" },
      ],
    );
    assert.deepEqual(columns(entries, "action_logs", "action_target", "action_details", "success", "started_at"), [
      {
        action_target: "lookup",
        action_details: { user: "mia" },
        success: undefined,
        started_at: "1970-01-01T00:00:02.000000Z",
      },
      {
        action_target: "lookup",
        action_details: { user: "mia" },
        success: true,
        started_at: "1970-01-01T00:00:02.000000Z",
      },
    ]);
    assert.equal(new Set(columns(entries, "action_logs", "action_id").map((row) => JSON.stringify(row))).size, 1);
    assert.deepEqual(columns(entries, "mcp_usage_logs", "server_name", "tool_name", "result_summary", "called_at"), [
      {
        server_name: "tools",
        tool_name: "lookup",
        result_summary: "on its way",
        called_at: "1970-01-01T00:00:02.000000Z",
      },
    ]);
    assert.deepEqual(
      entries.map(({ event }) => event.seq),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.equal(new Set(entries.map(({ event }) => event.publisher_id)).size, 1);
    assert.equal(tally.messagesLogged, 5);
  });

  it("a result that begins with Error is a failure", () => {
    const { entries } = map([
      { role: "assistant", content: null, tool_calls: [call("c1")] },
      { role: "tool", tool_call_id: "c1", content: "Error: no such user" },
    ]);
    assert.deepEqual(columns(entries, "mcp_usage_logs", "success", "error_message"), [
      { success: false, error_message: "Error: no such user" },
    ]);
  });

  it("a call without a result stays an action that has not ended, and is counted", () => {
    const { entries, tally } = map([{ role: "assistant", content: null, tool_calls: [call("c1"), call("c2")] }]);
    assert.deepEqual(columns(entries, "action_logs", "completed_at"), [
      { completed_at: undefined },
      { completed_at: undefined },
    ]);
    assert.equal(tally.callsWithoutResult, 2);
  });

  it("a result without a call is an action of its own, and is counted", () => {
    const { entries, tally } = map([{ role: "tool", tool_call_id: "c9", name: "lookup", content: "late" }]);
    assert.deepEqual(columns(entries, "action_logs", "action_target", "result_summary"), [
      { action_target: "lookup", result_summary: "late" },
    ]);
    assert.equal(columns(entries, "mcp_usage_logs").length, 1);
    assert.equal(tally.resultsWithoutCall, 1);
  });

  it("a second result of one call is a result without a call", () => {
    const { tally } = map([
      { role: "assistant", content: null, tool_calls: [call("c1")] },
      { role: "tool", tool_call_id: "c1", content: "once" },
      { role: "tool", tool_call_id: "c1", content: "twice" },
    ]);
    assert.equal(tally.resultsWithoutCall, 1);
  });

  it("the old form, function_call and role function, is read by name", () => {
    const { entries, tally } = map([
      { role: "assistant", content: null, function_call: { name: "lookup", arguments: "{}" } },
      { role: "function", name: "lookup", content: "found" },
    ]);
    assert.deepEqual(columns(entries, "mcp_usage_logs", "tool_name", "result_summary"), [
      { tool_name: "lookup", result_summary: "found" },
    ]);
    assert.deepEqual([tally.callsWithoutResult, tally.resultsWithoutCall], [0, 0]);
  });

  const oddArguments: { readonly [what: string]: readonly [given: unknown, kept: unknown] } = {
    "text that is not JSON": ['{"user":', { arguments_text: '{"user":' }],
    "a number beyond 2^53": ['{"id":9007199254740993}', { arguments_text: '{"id":9007199254740993}' }],
    "a key that stands twice": ['{"a":1,"a":2}', { arguments_text: '{"a":1,"a":2}' }],
    "half a surrogate pair": ['{"a":"\\ud800"}', { arguments_text: '{"a":"\\ud800"}' }],
    "minus zero": ['{"a":-0}', { arguments_text: '{"a":-0}' }],
    "an object instead of text": [{ a: 1 }, { a: 1 }],
    nothing: [null, {}],
    "a JSON null": ["null", {}],
  };
  for (const [what, [given, kept]] of Object.entries(oddArguments)) {
    it(`arguments that are ${what} are kept`, async () => {
      const { entries } = map([{ role: "assistant", content: null, tool_calls: [call("c1", "lookup", given)] }]);
      assert.deepEqual(columns(entries, "action_logs", "action_details"), [{ action_details: kept }]);
      await assertPublishable(entries);
    });
  }

  const oddContents: { readonly [what: string]: readonly [message: object, preview: string | undefined] } = {
    "null content": [{ role: "user", content: null }, undefined],
    "parts of several kinds": [
      { role: "user", content: [{ type: "text", text: "Look:" }, { type: "image_url", image_url: {} }, "there"] },
      "Look:\n[image_url]\nthere",
    ],
    "a number": [{ role: "user", content: 7 }, "7"],
    "half a surrogate pair": [{ role: "user", content: "a\ud800" }, "a\ufffd"],
  };
  for (const [what, [message, preview]] of Object.entries(oddContents)) {
    it(`a message with ${what} is logged`, async () => {
      const { entries } = map([message]);
      assert.deepEqual(columns(entries, "conversations", "user_prompt_preview")[1], { user_prompt_preview: preview });
      await assertPublishable(entries);
    });
  }

  it("a refusal and an unknown role are logged", () => {
    const { entries } = map([
      { role: "assistant", content: null, refusal: "I cannot do that." },
      { role: "critic", content: "Too slow." },
    ]);
    assert.deepEqual(columns(entries, "conversations", "response_preview").slice(1, 3), [
      { response_preview: "I cannot do that." },
      { response_preview: "[critic] Too slow." },
    ]);
  });

  it("times come from the messages, else from the run, and only real ones give durations", () => {
    const messages = [
      { role: "user", content: "a", timestamp: "2026-01-31T09:30:00Z" },
      { role: "assistant", content: null, tool_calls: [call("c1")], created: 1769851805 },
      { role: "tool", tool_call_id: "c1", content: "b", timestamp: 1769851806500 },
    ];
    const own = map(messages).entries;
    assert.deepEqual(columns(own, "mcp_usage_logs", "called_at", "duration_ms"), [
      { called_at: "2026-01-31T09:30:05.000000Z", duration_ms: 1500 },
    ]);
    assert.deepEqual(columns(own, "conversations", "ended_at", "duration_seconds").at(-1), {
      ended_at: "2026-01-31T09:30:06.500000Z",
      duration_seconds: 6,
    });
    const ofRun = map(
      [
        { role: "user", content: "a" },
        { role: "user", content: "b" },
      ],
      { created: 1769851800 },
    ).entries;
    assert.deepEqual(columns(ofRun, "conversations", "ended_at", "duration_seconds").at(-1), {
      ended_at: "2026-01-31T09:30:01.000000Z",
      duration_seconds: undefined,
    });
  });

  it("times that go back do not change the order of messages", () => {
    const { entries } = map([
      { role: "user", content: "a", timestamp: "2026-01-31T09:30:00Z" },
      { role: "user", content: "b", timestamp: "2026-01-31T09:00:00Z" },
    ]);
    const times = entries.map(({ event }) => event.logged_at);
    assert.deepEqual(times, times.toSorted());
  });

  it("another reading of the same run is another conversation, not a conflict", () => {
    const run = runOf([{ role: "user", content: "a" }]);
    const first = entriesOf(run, options, new Tally());
    const second = entriesOf(run, { ...options, agentPosition: "sales" }, new Tally());
    const ids = new Set(first.map(({ event }) => event.log_id));
    assert.ok(second.every(({ event }) => !ids.has(event.log_id)));
  });

  const content = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ minLength: 490, maxLength: 600, unit: "grapheme" }),
    fc.constant(null),
    fc.array(fc.record({ type: fc.constantFrom("text", "image_url"), text: fc.string() })),
    fc.jsonValue(),
  );
  const id = fc.constantFrom("c1", "c2", "c3");
  const anyCall = fc.oneof(
    fc.record({
      id,
      function: fc.record({ name: fc.string(), arguments: fc.oneof(fc.json(), fc.string(), fc.jsonValue()) }),
    }),
    fc.jsonValue(),
  );
  const message = fc.oneof(
    fc.record({ role: fc.constantFrom("system", "developer", "user", "critic"), content }),
    fc.record(
      {
        role: fc.constant("assistant"),
        content,
        refusal: fc.string(),
        tool_calls: fc.array(anyCall),
        function_call: fc.jsonValue(),
      },
      { requiredKeys: ["role"] },
    ),
    fc.record(
      { role: fc.constantFrom("tool", "function"), tool_call_id: id, name: fc.string(), content },
      { requiredKeys: ["role"] },
    ),
  );

  it("property: every message becomes an entry, every entry is accepted, and twice gives the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
        const { entries, tally } = map(messages);
        assert.equal(tally.messages, messages.length);
        assert.equal(tally.messagesLogged, messages.length);
        assert.equal(tally.entries, entries.length);
        assert.equal(
          entries.filter(({ table }) => table === "action_logs").length,
          tally.toolCalls + tally.toolResults,
        );
        assert.equal(tally.toolResults - tally.resultsWithoutCall, tally.toolCalls - tally.callsWithoutResult);
        assert.equal(new Set(entries.map(({ event }) => event.log_id)).size, entries.length);
        await assertPublishable(entries);
        assert.deepEqual(await published(map(messages).entries), await published(entries));
      }),
      { numRuns: 15 },
    );
  });

  const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");
  it("tau-bench: 200 runs, 5,308 messages and 1,164 tool calls are all there", { skip: airline.skip }, async () => {
    const tally = new Tally();
    let entries = 0;
    for await (const run of readRuns(airline.path)) entries += entriesOf(run, options, tally).length;
    assert.deepEqual(JSON.parse(JSON.stringify(tally)), {
      runs: 200,
      messagesByRole: { system: 200, user: 1490, assistant: 2454, tool: 1164 },
      messages: 5308,
      messagesLogged: 5308,
      toolCalls: 1164,
      toolResults: 1164,
      callsWithoutResult: 0,
      resultsWithoutCall: 0,
      entries,
    });
    // A start is the system's message; else an entry a message, one more for text with a call, one more a result, and
    // the ends.
    assert.equal(entries, 5308 + 90 + 1164 + 200);
  });
});
