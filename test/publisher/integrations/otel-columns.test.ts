/** What the columns of tool calls, failures and costs are read from. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SpanStatusCode } from "@opentelemetry/api";
import type { PricedCall } from "@indelible/publisher/otel";
import { begin, chat, openOtel, pick, tool } from "./otel-fixture.ts";

const START_MS = Date.UTC(2026, 10, 1, 9);

test("SpanProcessor - a tool call becomes an entry of mcp_usage_logs in the conversation of its trace", async () => {
  const { tracer, events } = openOtel();
  const root = begin(tracer, {});
  begin(tracer, chat, root).end();
  const span = begin(
    tracer,
    { ...tool, "gen_ai.tool.call.arguments": '{"q":"tea","n":2}', "gen_ai.tool.call.result": "[1,2]" },
    root,
    START_MS,
  );
  span.end(START_MS + 42);
  const { traceId } = root.spanContext();
  root.end();
  const [conversation] = await events("conversations");
  assert.equal(conversation!["conversation_id"], traceId);
  const [event] = await events("mcp_usage_logs");
  assert.deepEqual(pick(event, "conversation_id", "server_name", "tool_name", "called_at", "duration_ms"), {
    conversation_id: traceId,
    server_name: "tools",
    tool_name: "search",
    called_at: "2026-11-01T09:00:00.000Z",
    duration_ms: 42,
  });
  assert.deepEqual(pick(event, "parameters", "success", "error_message", "result_summary"), {
    parameters: { q: "tea", n: 2 },
    success: true,
    error_message: undefined,
    result_summary: "[1,2]",
  });
});

test("SpanProcessor - an MCP call names its server, and a failed one its error", async () => {
  const { tracer, events } = openOtel({ serverName: "elsewhere" });
  const mcp = { "mcp.method.name": "tools/call", "gen_ai.tool.name": "search", "server.address": "mcp.acme.com" };
  begin(tracer, { ...mcp, "server.port": 8443, "error.type": "tool_error" }).end();
  begin(tracer, { "mcp.method.name": "tools/call", "mcp.tool.name": "old" }).end();
  begin(tracer, { "traceloop.span.kind": "tool", "traceloop.entity.name": "decorated" }).end();
  const calls = await events("mcp_usage_logs");
  assert.deepEqual(
    calls.map((event) => pick(event, "server_name", "tool_name", "success", "error_message")),
    [
      { server_name: "mcp.acme.com:8443", tool_name: "search", success: false, error_message: "tool_error" },
      { server_name: "elsewhere", tool_name: "old", success: true, error_message: undefined },
      { server_name: "elsewhere", tool_name: "decorated", success: true, error_message: undefined },
    ],
  );
});

test("SpanProcessor - arguments that JSON cannot carry exactly are kept as their text", async () => {
  const { tracer, events } = openOtel();
  const texts = [
    '{"n":9007199254740993}',
    '{"a":1,"a":2}',
    "not json",
    '{"z":-0}',
    `${"[".repeat(600)}${"]".repeat(600)}`,
  ];
  for (const text of texts) begin(tracer, { ...tool, "gen_ai.tool.call.arguments": text }).end();
  const calls = await events("mcp_usage_logs");
  assert.deepEqual(
    calls.map(({ parameters }) => parameters),
    texts.map((text) => ({ arguments_text: text })),
  );
});

test("SpanProcessor - a span that failed is an error or a timeout, with its message", async () => {
  const { tracer, events, log } = openOtel();
  const failed = begin(tracer, chat);
  failed.recordException(new Error("no such model"));
  failed.setStatus({ code: SpanStatusCode.ERROR });
  failed.end();
  const late = begin(tracer, chat);
  late.recordException(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
  late.setStatus({ code: SpanStatusCode.ERROR, message: "gave up" });
  late.end();
  begin(tracer, { ...chat, "error.type": "DEADLINE_EXCEEDED" }).end();
  const handled = begin(tracer, chat);
  handled.recordException(new Error("tried again"));
  handled.end();
  const outcomes = (await events("conversations")).map((event) => pick(event, "status", "error_message"));
  assert.deepEqual(outcomes, [
    { status: "error", error_message: "no such model" },
    { status: "timeout", error_message: "gave up" },
    { status: "timeout", error_message: "DEADLINE_EXCEEDED" },
    { status: "completed", error_message: undefined },
  ]);
  assert.equal(log.stats().refused, 0);
});

test("SpanProcessor - a cost on the span comes before a price list, and says who computed it", async () => {
  const asked: PricedCall[] = [];
  const { tracer, events } = openOtel({
    costOf: (call) => {
      asked.push(call);
      return { usd: 0.5, source: "prices@1.0.0" };
    },
  });
  const metadata = JSON.stringify({ openrouter: { usage: { cost: 0.0125 } } });
  begin(tracer, { ...chat, "gen_ai.usage.cost": 0.25 }).end();
  begin(tracer, { ...chat, "ai.response.providerMetadata": metadata }).end();
  begin(tracer, { ...chat, "ai.response.providerMetadata": '{"gateway":{"cost":"0.0031"}}' }).end();
  assert.equal(asked.length, 0);
  begin(
    tracer,
    { ...chat, "gen_ai.system": "x", "gen_ai.usage.cache_read.input_tokens": 60 },
    undefined,
    START_MS,
  ).end();
  begin(tracer, { ...chat, "gen_ai.usage.input_tokens": "?", "gen_ai.usage.output_tokens": "?" }).end();
  const costs = (await events("conversations")).map((event) => pick(event, "cost_usd", "cost_source"));
  assert.deepEqual(costs, [
    { cost_usd: 0.25, cost_source: "by-hand@1.2.3" },
    { cost_usd: 0.0125, cost_source: "provider" },
    { cost_usd: 0.0031, cost_source: "provider" },
    { cost_usd: 0.5, cost_source: "prices@1.0.0" },
    { cost_usd: undefined, cost_source: undefined },
  ]);
  const [call, ...others] = asked;
  assert.deepEqual(others, []);
  assert.deepEqual(call!.at, new Date(START_MS));
  assert.equal(call!.provider, "anthropic");
  assert.equal(call!.model, "claude-2026");
  assert.equal(call!.usage.inputTokens, 100);
  assert.equal(call!.usage.cacheReadTokens, 60);
});
