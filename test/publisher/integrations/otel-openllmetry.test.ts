/** The real OpenLLMetry around the real OpenAI client, which talks to a server in this process. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { json } from "node:stream/consumers";
import { OpenAIInstrumentation } from "@traceloop/instrumentation-openai";
import OpenAI from "openai";
import { begin, enableContext, openOtel, pick, type OtelFixture } from "./otel-fixture.ts";
import { context, trace } from "@opentelemetry/api";

const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: "system", content: "be kind" },
  { role: "user", content: "hi" },
];

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { model, stream } = (await json(request)) as { model: string; stream?: boolean };
  if (model === "broken") {
    response.writeHead(400, { "content-type": "application/json" });
    response.end('{"error":{"message":"no such model"}}');
  } else if (request.url === "/v1/responses") {
    response.writeHead(200, { "content-type": "application/json" });
    const content = [{ type: "output_text", text: "Hello", annotations: [] }];
    const output = [{ type: "message", role: "assistant", content }];
    const tokens = { input_tokens: 5, output_tokens: 7, total_tokens: 12 };
    response.end(JSON.stringify({ id: "r1", object: "response", status: "completed", model, output, usage: tokens }));
  } else if (stream === true) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (choices: unknown, rest: object = {}): void => {
      const chunk = { id: "c2", object: "chat.completion.chunk", created: 1, model: "tea-1-0512", choices, ...rest };
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    send([{ index: 0, delta: { role: "assistant", content: "Hel" }, finish_reason: null }]);
    send([{ index: 0, delta: { content: "lo" }, finish_reason: null }]);
    send([{ index: 0, delta: {}, finish_reason: "stop" }]);
    send([], { usage });
    response.end("data: [DONE]\n\n");
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    const message = { role: "assistant", content: "Hello" };
    const choices = [{ index: 0, finish_reason: "stop", logprobs: null, message }];
    const completion = { id: "c1", object: "chat.completion", created: 1, model: "tea-1-0512", choices, usage };
    response.end(JSON.stringify(completion));
  }
}

describe("SpanProcessor - OpenLLMetry around OpenAI's client", () => {
  // The instrumentation patches the client's classes once and for all; each test points it at its own provider.
  const instrumentation = new OpenAIInstrumentation();
  const server = createServer((request, response) => void answer(request, response));
  let client: OpenAI;

  before(async () => {
    enableContext();
    instrumentation.manuallyInstrument(OpenAI as unknown as Parameters<typeof instrumentation.manuallyInstrument>[0]);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
  });

  after(() => {
    server.closeAllConnections();
    server.close();
  });

  function open(): OtelFixture {
    const fixture = openOtel();
    instrumentation.setTracerProvider(fixture.provider);
    return fixture;
  }

  test("a completion is one conversation", async () => {
    const { events } = open();
    await client.chat.completions.create({ model: "tea-1", messages });
    const [event, ...others] = await events("conversations");
    assert.deepEqual(others, []);
    assert.deepEqual(pick(event, "model_provider", "model_name", "input_tokens", "output_tokens", "total_tokens"), {
      model_provider: "openai",
      model_name: "tea-1-0512",
      input_tokens: 5,
      output_tokens: 7,
      total_tokens: 12,
    });
    assert.deepEqual(pick(event, "user_prompt_preview", "response_preview", "status"), {
      user_prompt_preview: "hi",
      response_preview: "Hello",
      status: "completed",
    });
  });

  test("a stream is one conversation, without tokens, which the instrumentation does not read from streams", async () => {
    const { events } = open();
    const stream = await client.chat.completions.create({
      model: "tea-1",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    for await (const chunk of stream) assert.equal(chunk.id, "c2");
    const [event, ...others] = await events("conversations");
    assert.deepEqual(others, []);
    assert.deepEqual(pick(event, "model_name", "response_preview", "total_tokens"), {
      model_name: "tea-1-0512",
      response_preview: "Hello",
      total_tokens: undefined,
    });
  });

  test("a response of the Responses API is one conversation", async () => {
    const { events } = open();
    await client.responses.create({ model: "tea-1", input: "hi" });
    const [event, ...others] = await events("conversations");
    assert.deepEqual(others, []);
    assert.deepEqual(pick(event, "user_prompt_preview", "response_preview", "total_tokens"), {
      user_prompt_preview: "hi",
      response_preview: "Hello",
      total_tokens: 12,
    });
  });

  test("a call inside a framework's span of the same call is one conversation", async () => {
    const { tracer, events } = open();
    const outer = begin(tracer, { "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 5 });
    await context.with(trace.setSpan(context.active(), outer), () =>
      client.chat.completions.create({ model: "tea-1", messages }),
    );
    outer.end();
    const [event, ...others] = await events("conversations");
    assert.deepEqual(others, []);
    assert.equal(event!["total_tokens"], 12);
  });

  test("a call that fails reaches its caller, and the log by the span around it, for its own span never ends", async () => {
    const { tracer, events } = open();
    const outer = begin(tracer, { "gen_ai.operation.name": "chat", "gen_ai.request.model": "broken" });
    await context.with(trace.setSpan(context.active(), outer), () =>
      assert.rejects(client.chat.completions.create({ model: "broken", messages }), /no such model/),
    );
    outer.setAttribute("error.type", "400");
    outer.end();
    const [event, ...others] = await events("conversations");
    assert.deepEqual(others, []);
    assert.deepEqual(pick(event, "model_name", "status", "error_message"), {
      model_name: "broken",
      status: "error",
      error_message: "400",
    });
  });
});
