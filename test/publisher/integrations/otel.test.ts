/** Spans made by hand: what becomes of each form in which the conventions were ever written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AlwaysOffSampler, SamplingDecision } from "@opentelemetry/sdk-trace-base";
import { begin, chat, openOtel, pick } from "./otel-fixture.ts";

const START_MS = Date.UTC(2026, 10, 1, 9);

test("SpanProcessor - a model call by the conventions becomes a conversation", async () => {
  const { tracer, events } = openOtel();
  const span = begin(
    tracer,
    {
      ...chat,
      "gen_ai.conversation.id": "c-1",
      "gen_ai.usage.cache_read.input_tokens": 60,
      "gen_ai.usage.cache_creation.input_tokens": 10,
      "gen_ai.usage.reasoning.output_tokens": 5,
      "gen_ai.input.messages": JSON.stringify([
        { role: "system", parts: [{ type: "text", content: "be kind" }] },
        {
          role: "user",
          parts: [
            { type: "text", content: "Where is my " },
            { type: "text", content: "tea?" },
          ],
        },
        { role: "assistant", parts: [{ type: "tool_call", name: "search", arguments: {} }] },
        { role: "tool", parts: [{ type: "tool_call_response", response: "here" }] },
      ]),
      "gen_ai.output.messages": JSON.stringify([
        {
          role: "assistant",
          parts: [
            { type: "reasoning", content: "hm" },
            { type: "text", content: "In port." },
          ],
        },
      ]),
    },
    undefined,
    START_MS,
  );
  const { traceId } = span.spanContext();
  span.end(START_MS + 2_500);
  const [event, ...others] = await events("conversations");
  assert.deepEqual(others, []);
  assert.notEqual(event!["conversation_id"], traceId);
  assert.deepEqual(
    pick(event, "conversation_id", "started_at", "ended_at", "duration_seconds", "model_provider", "model_name"),
    {
      conversation_id: "c-1",
      started_at: "2026-11-01T09:00:00.000Z",
      ended_at: "2026-11-01T09:00:02.500Z",
      duration_seconds: 2,
      model_provider: "anthropic",
      model_name: "claude-2026",
    },
  );
  assert.deepEqual(pick(event, "input_tokens", "output_tokens", "total_tokens", "status", "error_message"), {
    input_tokens: 100,
    output_tokens: 20,
    total_tokens: 120,
    status: "completed",
    error_message: undefined,
  });
  assert.deepEqual(pick(event, "user_prompt_preview", "response_preview", "business_id", "agent_position"), {
    user_prompt_preview: "Where is my tea?",
    response_preview: "In port.",
    business_id: "acme",
    agent_position: "CFO",
  });
});

test("SpanProcessor - the older attributes of OpenLLMetry become a conversation", async () => {
  const { tracer, events } = openOtel();
  begin(tracer, {
    "gen_ai.system": "OpenAI",
    "llm.request.type": "chat",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "be kind",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": '[{"type":"text","text":"hello"},{"type":"image_url","image_url":{}}]',
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "good day",
    "gen_ai.usage.prompt_tokens": 7,
    "gen_ai.usage.completion_tokens": 3,
    "llm.usage.total_tokens": 11,
  }).end();
  const [event] = await events("conversations");
  assert.deepEqual(pick(event, "model_provider", "model_name", "input_tokens", "output_tokens", "total_tokens"), {
    model_provider: "OpenAI",
    model_name: "gpt-4o-2024-08-06",
    input_tokens: 7,
    output_tokens: 3,
    total_tokens: 11,
  });
  assert.deepEqual(pick(event, "user_prompt_preview", "response_preview"), {
    user_prompt_preview: "hello",
    response_preview: "good day",
  });
});

test("SpanProcessor - messages in span events are found", async () => {
  const { tracer, events } = openOtel();
  const message = (role: string, content: string): string =>
    JSON.stringify([{ role, parts: [{ type: "text", content }] }]);
  const forms: [string, { [name: string]: string }][][] = [
    [
      ["gen_ai.user.message", { content: "q" }],
      ["gen_ai.choice", { message: '{"content":"a"}' }],
    ],
    [
      ["gen_ai.content.prompt", { "gen_ai.prompt": '[{"role":"user","content":"q"}]' }],
      ["gen_ai.content.completion", { "gen_ai.completion": '[{"role":"assistant","content":"a"}]' }],
    ],
    [
      [
        "gen_ai.client.inference.operation.details",
        { "gen_ai.input.messages": message("user", "q"), "gen_ai.output.messages": message("assistant", "a") },
      ],
    ],
  ];
  for (const form of forms) {
    const span = begin(tracer, chat);
    for (const [name, attributes] of form) span.addEvent(name, attributes);
    span.end();
  }
  const previews = (await events("conversations")).map((event) =>
    pick(event, "user_prompt_preview", "response_preview"),
  );
  assert.deepEqual(
    previews,
    forms.map(() => ({ user_prompt_preview: "q", response_preview: "a" })),
  );
});

test("SpanProcessor - every operation that calls a model becomes a conversation, and nothing else does", async () => {
  const { tracer, events } = openOtel();
  for (const operation of ["chat", "text_completion", "generate_content", "embeddings"]) {
    begin(tracer, { ...chat, "gen_ai.operation.name": operation }).end();
  }
  assert.equal((await events("conversations")).length, 4);
  for (const operation of ["create_agent", "agent_step", "rerank", "invoke_workflow"]) {
    begin(tracer, { ...chat, "gen_ai.operation.name": operation }).end();
  }
  begin(tracer, { "messaging.system": "gcp_pubsub", "messaging.destination.name": "agent-logs.conversations" }).end();
  begin(tracer, { "rpc.system": "grpc", "rpc.method": "Publish", "rpc.service": "google.pubsub.v1.Publisher" }).end();
  begin(tracer, { "http.request.method": "POST", "server.address": "api.openai.com" }).end();
  begin(tracer, { "mcp.method.name": "tools/list" }).end();
  begin(tracer, {
    "mcp.method.name": "sampling/createMessage",
    "gen_ai.system": "x",
    "gen_ai.request.model": "y",
  }).end();
  assert.equal((await events("conversations")).length, 4);
  assert.equal((await events("mcp_usage_logs")).length, 0);
});

test("SpanProcessor - spans that were not sampled are left out", async () => {
  const recordedOnly = { shouldSample: () => ({ decision: SamplingDecision.RECORD }), toString: () => "recorded only" };
  for (const sampler of [new AlwaysOffSampler(), recordedOnly]) {
    const { tracer, events } = openOtel({ sampler });
    begin(tracer, chat).end();
    assert.deepEqual(await events("conversations"), []);
  }
});

test("SpanProcessor - shutdown() flushes, ends logging, and leaves the publisher open", async () => {
  const { tracer, provider, log, transport } = openOtel();
  begin(tracer, chat).end();
  const late = begin(tracer, chat);
  await provider.shutdown();
  assert.equal(transport.events("conversations").length, 1);
  late.end();
  log.action({ action_target: "still open" });
  await log.flush();
  assert.equal(transport.events("action_logs").length, 1);
  assert.equal(transport.events("conversations").length, 1);
});
