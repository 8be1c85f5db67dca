/** What spans and logs must never do: reach the host, or lose an entry that could have been logged. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { SpanStatusCode, type AttributeValue, type Span } from "@opentelemetry/api";
import { BasicTracerProvider, type ReadableSpan } from "@opentelemetry/sdk-trace-base";
import fc from "fast-check";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { createSpanProcessor, type SpanLog } from "@indelible/publisher/otel";
import { begin, chat, openOtel, pick, tool } from "./otel-fixture.ts";

const names = [
  "gen_ai.operation.name",
  "gen_ai.provider.name",
  "gen_ai.system",
  "gen_ai.request.model",
  "gen_ai.response.model",
  "gen_ai.conversation.id",
  "gen_ai.usage.input_tokens",
  "gen_ai.usage.output_tokens",
  "gen_ai.usage.total_tokens",
  "gen_ai.usage.cost",
  "gen_ai.input.messages",
  "gen_ai.output.messages",
  "gen_ai.prompt.0.content",
  "gen_ai.completion.0.content",
  "gen_ai.tool.name",
  "gen_ai.tool.call.arguments",
  "gen_ai.tool.call.result",
  "ai.operationId",
  "ai.prompt",
  "ai.response.providerMetadata",
  "ai.toolCall.name",
  "mcp.method.name",
  "server.address",
  "server.port",
  "error.type",
];

const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom("chat", "execute_tool", "embeddings", "invoke_agent", "tools/call", "ai.generateText.doGenerate"),
  fc.constantFrom(Number.NaN, Infinity, -1, -0, 1.5, 2 ** 53, 7),
  fc.constantFrom("", "\ud800", "[", "[null]", '{"a":1,"a":2}', '{"n":-0}', '[{"role":"user","parts":[null,{}]}]'),
  fc.constantFrom("x".repeat(70_000), "\u{1f600}".repeat(600), true, null, [], [null], ["a"], {}),
  fc.json(),
  fc.anything(),
);

test("SpanProcessor - whatever the attributes are, the entry is one that the subscriber accepts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.constantFrom(...names), hostileValue, { minKeys: 1 }),
      fc.constantFrom("chat", "execute_tool", undefined),
      async (attributes, operation) => {
        const { processor, events, log, errors } = openOtel();
        const given = operation === undefined ? attributes : { ...attributes, "gen_ai.operation.name": operation };
        processor.onEnd(spanOf(given));
        let logged = 0;
        for (const table of ["conversations", "mcp_usage_logs"] as const) {
          for (const event of await events(table)) {
            logged += 1;
            assertEvent(table, event);
          }
        }
        assert.deepEqual(errors, []);
        assert.equal(log.stats().refused, 0);
        if (operation !== undefined) assert.equal(logged, 1);
      },
    ),
    { numRuns: 500 },
  );
});

test("SpanProcessor - counts and costs that are no counts and costs are left out", async () => {
  const { tracer, events } = openOtel();
  for (const value of [Number.NaN, Infinity, -1, 1.5, 2 ** 53, "12 tokens", true, [1]]) {
    begin(tracer, {
      ...chat,
      "gen_ai.usage.input_tokens": value as AttributeValue,
      "gen_ai.usage.output_tokens": value as AttributeValue,
      "gen_ai.usage.cost": value === 1.5 || value === 2 ** 53 ? -1 : (value as AttributeValue),
    }).end();
  }
  const conversations = await events("conversations");
  assert.equal(conversations.length, 8);
  for (const event of conversations) {
    assert.deepEqual(pick(event, "input_tokens", "output_tokens", "total_tokens", "cost_usd", "cost_source"), {
      input_tokens: undefined,
      output_tokens: undefined,
      total_tokens: undefined,
      cost_usd: undefined,
      cost_source: undefined,
    });
  }
});

test("SpanProcessor - times that are no times are left out, and the publisher's clock stands in", async () => {
  const { processor, events } = openOtel();
  processor.onEnd(spanOf(chat, { startTime: [Number.NaN, 0], endTime: [Infinity, 0] }));
  processor.onEnd(spanOf(tool, { startTime: [9e15, 0], endTime: [0, 0] }));
  const [conversation] = await events("conversations");
  assert.deepEqual(pick(conversation, "ended_at", "duration_seconds"), {
    ended_at: undefined,
    duration_seconds: undefined,
  });
  const [call] = await events("mcp_usage_logs");
  assert.equal(call!["duration_ms"], undefined);
  assert.match(String(call!["called_at"]), /^2\d{3}-/);
});

test("SpanProcessor - a log that throws is invisible to the host, and told as a warning", async () => {
  const boom = (): never => {
    throw new Error("boom");
  };
  const log: SpanLog = { conversation: boom, mcpCall: boom, flush: () => Promise.reject(new Error("no flush")) };
  const provider = new BasicTracerProvider({ spanProcessors: [createSpanProcessor(log)] });
  const tracer = provider.getTracer("host");
  const warned = once(process, "warning");
  const outer = begin(tracer, chat);
  begin(tracer, chat, outer).end();
  begin(tracer, tool, outer).end();
  outer.end();
  const [warning] = (await warned) as [Error & { code: string }];
  assert.equal(warning.code, "ERR_INTEGRATION");
  assert.match(warning.message, /otel.*boom/);
  await provider.forceFlush();
  await provider.shutdown();
});

test("SpanProcessor - attributes that throw when they are read are invisible to the host", async () => {
  const { processor, events } = openOtel();
  const attributes = new Proxy(
    {},
    {
      get: () => {
        throw new Error("read");
      },
    },
  );
  processor.onStart(spanOf(attributes) as unknown as Parameters<typeof processor.onStart>[0], {} as never);
  processor.onEnd(spanOf(attributes));
  processor.onEnd({} as ReadableSpan);
  processor.onEnd(spanOf(chat));
  assert.equal((await events("conversations")).length, 1);
});

test("SpanProcessor - a span inside that cannot be read does not keep the one around it from being logged", () => {
  const { tracer, log } = openOtel();
  const outer = begin(tracer, chat);
  const inner = begin(tracer, chat, outer);
  outer.end();
  assert.equal(log.stats().queued, 0);
  Object.defineProperty(inner, "attributes", {
    get: () => {
      throw new Error("read");
    },
  });
  inner.end();
  assert.equal(log.stats().queued, 1);
});

test("SpanProcessor - texts and sums that are too large are cut to what a column takes", async () => {
  const { tracer, events, errors } = openOtel();
  const root = begin(tracer, {});
  const most = { ...chat, "gen_ai.usage.input_tokens": Number.MAX_SAFE_INTEGER, "gen_ai.usage.cost": 1e308 };
  const texts = ["", "x"].map((first) => first + "\u{1f600}".repeat(40_000));
  for (const text of texts) {
    const span = begin(tracer, { ...most, "gen_ai.response.model": text }, root);
    span.setStatus({ code: SpanStatusCode.ERROR, message: text });
    span.end();
  }
  const conversations = await events("conversations");
  assert.deepEqual(errors, []);
  assert.equal(conversations.length, 2);
  for (const event of conversations) assertEvent("conversations", event);
  const [first, second] = conversations;
  assert.equal(first!["error_message"], texts[0]!.slice(0, 65_536));
  assert.equal(second!["error_message"], texts[1]!.slice(0, 65_535));
  assert.equal(second!["input_tokens"], Number.MAX_SAFE_INTEGER);
  assert.equal(second!["cost_usd"], undefined);
});

test("SpanProcessor - what it remembers is bounded: the oldest is let go", async () => {
  const { tracer, events, log } = openOtel();
  for (let index = 0; index <= 1_000; index += 1) {
    const outer = begin(tracer, { ...chat, "gen_ai.conversation.id": `held-${index}` });
    begin(tracer, chat, outer);
    outer.end();
  }
  assert.equal(log.stats().queued, 1);
  await events("conversations");
  const inConversation = (id: string): void => begin(tracer, { ...chat, "gen_ai.conversation.id": id }).end();
  inConversation("early");
  inConversation("kept");
  for (let index = 0; index < 9_998; index += 1) inConversation(`other-${index}`);
  inConversation("kept");
  inConversation("one more");
  inConversation("early");
  inConversation("kept");
  const totals = (await events("conversations"))
    .filter((event) => event["conversation_id"] === "early" || event["conversation_id"] === "kept")
    .map((event) => pick(event, "conversation_id", "total_tokens"));
  assert.deepEqual(totals, [
    { conversation_id: "early", total_tokens: 120 },
    { conversation_id: "kept", total_tokens: 120 },
    { conversation_id: "kept", total_tokens: 240 },
    { conversation_id: "early", total_tokens: 120 },
    { conversation_id: "kept", total_tokens: 360 },
  ]);
});

test("SpanProcessor - a price list that throws costs an entry only its cost", async () => {
  const { tracer, events } = openOtel({
    costOf: () => {
      throw new Error("no prices");
    },
  });
  begin(tracer, chat).end();
  const [event] = await events("conversations");
  assert.deepEqual(pick(event, "total_tokens", "cost_usd"), { total_tokens: 120, cost_usd: undefined });
});

test("SpanProcessor - a log without flush() is enough", async () => {
  const seen: unknown[] = [];
  const log: SpanLog = { conversation: (fields) => String(seen.push(fields)), mcpCall: () => "" };
  const provider = new BasicTracerProvider({ spanProcessors: [createSpanProcessor(log)] });
  begin(provider.getTracer("host"), chat).end();
  await provider.forceFlush();
  assert.equal(seen.length, 1);
});

test("SpanProcessor - spans that were open before it was there are logged", async () => {
  const { processor, events } = openOtel();
  const elsewhere = new BasicTracerProvider().getTracer("early");
  const early: Span = begin(elsewhere, chat);
  early.end();
  processor.onEnd(early as unknown as ReadableSpan);
  assert.equal((await events("conversations")).length, 1);
});

/** A span as no SDK would make it. */
function spanOf(attributes: object, others: object = {}): ReadableSpan {
  return {
    name: "hostile",
    attributes,
    events: [],
    status: { code: 0 },
    startTime: [1_000, 0],
    endTime: [1_001, 0],
    instrumentationScope: { name: "hostile" },
    spanContext: () => ({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", traceFlags: 1 }),
    ...others,
  } as unknown as ReadableSpan;
}
