/** Spans around spans: each call is logged once, whatever the order of the ends, and totals count each token once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes, Span } from "@opentelemetry/api";
import fc from "fast-check";
import { begin, chat, openOtel, pick, tool } from "./otel-fixture.ts";

const agent: Attributes = {
  "gen_ai.operation.name": "invoke_agent",
  "gen_ai.request.model": "claude",
  "gen_ai.usage.input_tokens": 200,
  "gen_ai.usage.output_tokens": 40,
};

test("SpanProcessor - of model calls inside each other the innermost is logged", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, { ...chat, "gen_ai.request.model": "outer", "gen_ai.response.model": "outer" });
  const step = begin(tracer, {}, outer);
  begin(tracer, { ...chat, "gen_ai.response.model": "inner" }, step).end();
  step.end();
  outer.end();
  const [event, ...others] = await events("conversations");
  assert.deepEqual(others, []);
  assert.deepEqual(pick(event, "model_name", "total_tokens"), { model_name: "inner", total_tokens: 120 });
});

test("SpanProcessor - an outer call that ends first is not logged beside the inner one", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, { ...chat, "gen_ai.response.model": "outer" });
  const inner = begin(tracer, { ...chat, "gen_ai.response.model": "inner" }, outer);
  outer.end();
  inner.end();
  const [event, ...others] = await events("conversations");
  assert.deepEqual(others, []);
  assert.equal(event!["model_name"], "inner");
});

test("SpanProcessor - an outer call whose inner one never ends is logged by forceFlush()", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, { ...chat, "gen_ai.response.model": "outer" });
  const inner = begin(tracer, chat, outer);
  outer.end();
  const [event, ...others] = await events("conversations");
  assert.deepEqual(others, []);
  assert.equal(event!["model_name"], "outer");
  inner.end();
  assert.equal((await events("conversations")).length, 1);
});

test("SpanProcessor - the tokens that only the late inner call knows are logged when it ends", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, { "gen_ai.operation.name": "chat", "gen_ai.request.model": "outer" });
  const inner = begin(tracer, chat, outer);
  outer.end();
  await events("conversations");
  inner.end();
  const conversations = await events("conversations");
  assert.deepEqual(
    conversations.map((event) => pick(event, "model_name", "total_tokens")),
    [
      { model_name: "outer", total_tokens: undefined },
      { model_name: "claude-2026", total_tokens: 120 },
    ],
  );
  assert.equal(conversations[0]!["conversation_id"], conversations[1]!["conversation_id"]);
});

test("SpanProcessor - an inner call is told apart only by its last attributes, and still counts once", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, chat);
  const inner = begin(tracer, {}, outer);
  outer.end();
  inner.setAttributes(chat);
  inner.end();
  const conversations = await events("conversations");
  assert.equal(conversations.at(-1)!["total_tokens"], 120);
});

test("SpanProcessor - a run of an agent is logged only when nothing inside it was", async () => {
  const { tracer, events } = openOtel();
  const reported = begin(tracer, agent);
  begin(tracer, chat, reported).end();
  reported.end();
  const opaque = begin(tracer, { ...agent, "gen_ai.request.model": "opaque" });
  begin(tracer, tool, opaque).end();
  opaque.end();
  begin(tracer, { "gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "no tokens" }).end();
  const models = (await events("conversations")).map((event) => pick(event, "model_name", "total_tokens"));
  assert.deepEqual(models, [
    { model_name: "claude-2026", total_tokens: 120 },
    { model_name: "opaque", total_tokens: 240 },
  ]);
});

test("SpanProcessor - a tool that calls a model does not hide the model call that it runs in", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, { ...chat, "gen_ai.response.model": "outer" });
  const called = begin(tracer, tool, outer);
  begin(tracer, { ...chat, "gen_ai.response.model": "inner" }, called).end();
  called.end();
  outer.end();
  const conversations = await events("conversations");
  assert.deepEqual(
    conversations.map((event) => pick(event, "model_name", "total_tokens")),
    [
      { model_name: "inner", total_tokens: 120 },
      { model_name: "outer", total_tokens: 240 },
    ],
  );
  assert.equal((await events("mcp_usage_logs")).length, 1);
});

test("SpanProcessor - an embedding inside a model call is a call of its own", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, chat);
  begin(tracer, { ...chat, "gen_ai.operation.name": "embeddings" }, outer).end();
  outer.end();
  assert.equal((await events("conversations")).length, 2);
});

test("SpanProcessor - a tool's span around its MCP call is one call, another tool inside is another", async () => {
  const { tracer, events } = openOtel();
  const outer = begin(tracer, tool);
  const mcp = { "mcp.method.name": "tools/call", "mcp.server.name": "files" };
  begin(tracer, { ...mcp, "gen_ai.tool.name": "search" }, outer).end();
  begin(tracer, { ...mcp, "gen_ai.tool.name": "other" }, outer).end();
  outer.end();
  const calls = (await events("mcp_usage_logs")).map((event) => pick(event, "server_name", "tool_name"));
  assert.deepEqual(calls, [
    { server_name: "files", tool_name: "search" },
    { server_name: "files", tool_name: "other" },
  ]);
});

test("SpanProcessor - a call that begins after its parent call has ended is a call of its own", async () => {
  const { tracer, events } = openOtel();
  const first = begin(tracer, chat);
  first.end();
  begin(tracer, chat, first).end();
  const totals = (await events("conversations")).map((event) => event["total_tokens"]);
  assert.deepEqual(totals, [120, 240]);
});

test("SpanProcessor - an entry has the tokens, cost and times of its conversation so far", async () => {
  const { tracer, events } = openOtel();
  const root = begin(tracer, {});
  const cost = { "gen_ai.usage.cost": 0.5 };
  // OpenTelemetry takes a small number for milliseconds since the process began.
  const start = Date.UTC(2026, 0, 1);
  begin(tracer, { ...chat, ...cost }, root, start + 1_000).end(start + 3_500);
  begin(tracer, { ...chat, ...cost, "gen_ai.usage.total_tokens": 121 }, root, start + 4_000).end(start + 9_000);
  root.end();
  const [, last] = await events("conversations");
  assert.deepEqual(pick(last, "input_tokens", "output_tokens", "total_tokens", "cost_usd", "duration_seconds"), {
    input_tokens: 200,
    output_tokens: 40,
    total_tokens: 241,
    cost_usd: 1,
    duration_seconds: 8,
  });
  assert.deepEqual(pick(last, "started_at", "ended_at"), {
    started_at: "2026-01-01T00:00:01.000Z",
    ended_at: "2026-01-01T00:00:09.000Z",
  });
});

test("SpanProcessor - spans take the conversation of the nearest span that names one, else of their trace", async () => {
  const { tracer, events } = openOtel();
  const root = begin(tracer, {});
  const named = begin(tracer, { "gen_ai.conversation.id": "first" }, root);
  const unnamed = begin(tracer, {}, root);
  begin(tracer, { ...chat, "gen_ai.conversation.id": "second" }, unnamed).end();
  begin(tracer, tool, named).end();
  begin(tracer, tool, unnamed).end();
  begin(tracer, { ...chat, "gen_ai.conversation.id": "x".repeat(257) }).end();
  const ids = (await events("mcp_usage_logs")).map((event) => event["conversation_id"]);
  assert.deepEqual(ids, ["first", "second"]);
  const [, tooLong] = await events("conversations");
  assert.match(String(tooLong!["conversation_id"]), /^[\da-f]{32}$/);
});

test("SpanProcessor - traces at once do not mix, in whatever order their spans end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.infiniteStream(fc.nat()), async (traces, random) => {
      const { tracer, events } = openOtel();
      const open: Span[] = [];
      const ids: string[] = [];
      for (let index = 0; index < traces; index += 1) {
        const outer = begin(tracer, agent);
        const step = begin(tracer, {}, outer);
        open.push(outer, step, begin(tracer, chat, step), begin(tracer, chat, step), begin(tracer, tool, step));
        ids.push(outer.spanContext().traceId);
      }
      while (open.length > 0) open.splice(random.next().value % open.length, 1)[0]!.end();
      const conversations = await events("conversations");
      const calls = await events("mcp_usage_logs");
      assert.equal(conversations.length, 2 * traces);
      for (const id of ids) {
        const own = conversations.filter((event) => event["conversation_id"] === id);
        assert.deepEqual(
          own.map((event) => event["total_tokens"]),
          [120, 240],
        );
        assert.equal(calls.filter((event) => event["conversation_id"] === id).length, 1);
      }
    }),
    { numRuns: 50 },
  );
});
