/** The real Vercel AI SDK with a mock model: its telemetry of today, and the `ai.*` spans that it had before. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { Tracer } from "@opentelemetry/api";
import { LegacyOpenTelemetry, OpenTelemetry } from "@ai-sdk/otel";
import { embed, generateText, isStepCount, jsonSchema, streamText, tool, type Telemetry } from "ai";
import { convertArrayToReadableStream, MockEmbeddingModelV4, MockLanguageModelV4 } from "ai/test";
import { enableContext, openOtel, pick } from "./otel-fixture.ts";

const usage = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: 0 },
  outputTokens: { total: 20, text: 15, reasoning: 5 },
};
const response = { id: "r", modelId: "tea-1-0512" };
const providerMetadata = { openrouter: { usage: { cost: 0.0125 } } };

type Answer = Awaited<ReturnType<MockLanguageModelV4["doGenerate"]>>;

const callsTool: Answer = {
  content: [{ type: "tool-call", toolCallId: "t1", toolName: "weather", input: '{"city":"Oslo"}' }],
  finishReason: { unified: "tool-calls", raw: undefined },
  usage,
  response,
  providerMetadata,
  warnings: [],
};
const answers: Answer = {
  content: [
    { type: "reasoning", text: "hm" },
    { type: "text", text: "Sunny" },
  ],
  finishReason: { unified: "stop", raw: undefined },
  usage,
  response,
  providerMetadata,
  warnings: [],
};

function model(...results: Answer[]): MockLanguageModelV4 {
  return new MockLanguageModelV4({ provider: "openrouter.chat", modelId: "tea-1", doGenerate: results });
}

function weatherThat(execute: () => Promise<{ sky: string }>) {
  const inputSchema = jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } });
  return { weather: tool({ inputSchema, execute }) };
}

before(enableContext);

const forms: readonly (readonly [name: string, open: (tracer: Tracer) => Telemetry])[] = [
  ["OpenTelemetry", (tracer) => new OpenTelemetry({ tracer, providerMetadata: true, usage: true })],
  ["LegacyOpenTelemetry", (tracer) => new LegacyOpenTelemetry({ tracer })],
];

for (const [name, open] of forms) {
  describe(`SpanProcessor - ${name} of the AI SDK`, () => {
    test("a run with a tool is one conversation of two calls, and one tool call", async () => {
      const { tracer, events } = openOtel();
      await generateText({
        model: model(callsTool, answers),
        prompt: "How is it in Oslo?",
        stopWhen: isStepCount(3),
        tools: weatherThat(() => Promise.resolve({ sky: "clear" })),
        telemetry: { functionId: "forecast", integrations: [open(tracer)] },
      });
      const conversations = await events("conversations");
      assert.deepEqual(
        conversations.map((event) => pick(event, "input_tokens", "output_tokens", "total_tokens", "cost_usd")),
        [
          { input_tokens: 10, output_tokens: 20, total_tokens: 30, cost_usd: 0.0125 },
          { input_tokens: 20, output_tokens: 40, total_tokens: 60, cost_usd: 0.025 },
        ],
      );
      assert.deepEqual(pick(conversations[0], "user_prompt_preview", "response_preview"), {
        user_prompt_preview: "How is it in Oslo?",
        response_preview: undefined,
      });
      assert.deepEqual(pick(conversations[1], "model_provider", "model_name", "cost_source", "status"), {
        model_provider: "openrouter",
        model_name: "tea-1-0512",
        cost_source: "provider",
        status: "completed",
      });
      assert.deepEqual(pick(conversations[1], "user_prompt_preview", "response_preview"), {
        user_prompt_preview: "How is it in Oslo?",
        response_preview: "Sunny",
      });
      const [call, ...others] = await events("mcp_usage_logs");
      assert.deepEqual(others, []);
      assert.deepEqual(pick(call, "tool_name", "parameters", "result_summary", "success"), {
        tool_name: "weather",
        parameters: { city: "Oslo" },
        result_summary: '{"sky":"clear"}',
        success: true,
      });
      const ids = new Set([...conversations, call!].map((event) => event["conversation_id"]));
      assert.equal(ids.size, 1);
    });

    test("a stream is one conversation", async () => {
      const { tracer, events } = openOtel();
      const stream = convertArrayToReadableStream([
        { type: "stream-start" as const, warnings: [] },
        { type: "text-start" as const, id: "1" },
        { type: "text-delta" as const, id: "1", delta: "Hel" },
        { type: "text-delta" as const, id: "1", delta: "lo" },
        { type: "text-end" as const, id: "1" },
        { type: "finish" as const, finishReason: { unified: "stop" as const, raw: undefined }, usage },
      ]);
      const result = streamText({
        model: new MockLanguageModelV4({ provider: "openrouter.chat", doStream: { stream } }),
        instructions: "be kind",
        prompt: "hi",
        telemetry: { integrations: [open(tracer)] },
      });
      await result.consumeStream();
      const [event, ...others] = await events("conversations");
      assert.deepEqual(others, []);
      assert.deepEqual(pick(event, "user_prompt_preview", "response_preview", "total_tokens", "status"), {
        user_prompt_preview: "hi",
        response_preview: "Hello",
        total_tokens: 30,
        status: "completed",
      });
    });

    test("a model that fails is one conversation with its error", async () => {
      const { tracer, events } = openOtel();
      const broken = new MockLanguageModelV4({ doGenerate: () => Promise.reject(new Error("no such model")) });
      const telemetry = { integrations: [open(tracer)] };
      await assert.rejects(generateText({ model: broken, prompt: "hi", maxRetries: 0, telemetry }), /no such model/);
      const [event, ...others] = await events("conversations");
      assert.deepEqual(others, []);
      assert.deepEqual(pick(event, "status", "error_message", "user_prompt_preview"), {
        status: "error",
        error_message: "no such model",
        user_prompt_preview: "hi",
      });
    });

    test("a tool that fails is a failed call in a conversation that is completed", async () => {
      const { tracer, events } = openOtel();
      await generateText({
        model: model(callsTool, answers),
        prompt: "How is it in Oslo?",
        stopWhen: isStepCount(3),
        tools: weatherThat(() => Promise.reject(new Error("no weather"))),
        telemetry: { integrations: [open(tracer)] },
      });
      const [call] = await events("mcp_usage_logs");
      assert.deepEqual(pick(call, "success", "error_message"), { success: false, error_message: "no weather" });
      const conversations = await events("conversations");
      assert.deepEqual(
        conversations.map(({ status }) => status),
        ["completed", "completed"],
      );
    });

    test("an embedding is one conversation, with its tokens", async () => {
      const { tracer, events } = openOtel();
      const doEmbed = { embeddings: [[1, 2]], usage: { tokens: 3 }, warnings: [] };
      await embed({
        model: new MockEmbeddingModelV4({ doEmbed }),
        value: "tea",
        telemetry: { integrations: [open(tracer)] },
      });
      const [event, ...others] = await events("conversations");
      assert.deepEqual(others, []);
      assert.deepEqual(pick(event, "input_tokens", "output_tokens", "total_tokens"), {
        input_tokens: 3,
        output_tokens: undefined,
        total_tokens: 3,
      });
    });

    test("runs at once do not mix", async () => {
      const { tracer, events } = openOtel();
      await Promise.all(
        Array.from({ length: 20 }, (_, run) =>
          generateText({
            model: model(callsTool, answers),
            prompt: `run ${run}`,
            stopWhen: isStepCount(3),
            tools: weatherThat(() => Promise.resolve({ sky: "clear" })),
            telemetry: { integrations: [open(tracer)] },
          }),
        ),
      );
      const conversations = await events("conversations");
      const prompts = new Map(conversations.map((event) => [event["conversation_id"], event["user_prompt_preview"]]));
      assert.equal(prompts.size, 20);
      assert.equal(new Set(prompts.values()).size, 20);
      for (const event of conversations) {
        assert.equal(event["user_prompt_preview"], prompts.get(event["conversation_id"]));
      }
      assert.equal(conversations.filter((event) => event["total_tokens"] === 60).length, 20);
      assert.equal((await events("mcp_usage_logs")).length, 20);
    });
  });
}
