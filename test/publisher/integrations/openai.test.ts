import assert from "node:assert/strict";
import { test } from "node:test";
import { logged } from "@indelible/publisher/openai";
import { loadPrices } from "@indelible/publisher/cost";
import { OpenAI } from "openai";
import { completion, json, messages, onlyEntry, open, usage, type Json } from "./openai-server.ts";
import { expectNoUnhandledRejection } from "./rejections.ts";

expectNoUnhandledRejection();

const cost_source = `@pydantic/genai-prices@${loadPrices()?.version}`;

test("logOpenAI() - a chat completion becomes one conversation with model, tokens, cost and previews", async (t) => {
  const world = await open(t, (_, response) => json(response, completion("42")));
  const request = { model: "gpt-4o", messages: [...messages] };
  const call = world.client.chat.completions.create(request);
  request.messages.push({ role: "user", content: "Added after the call." });
  const answer = await call;
  assert.equal(answer.choices[0]?.message.content, "42");
  assert.equal(world.requests.length, 1);
  const entry = await onlyEntry(world);
  const { conversation_id, started_at, ended_at, log_id, logged_at, publisher_id, seq, ...rest } = entry;
  assert.deepEqual(rest, {
    business_id: "acme",
    agent_position: "CFO",
    duration_seconds: 0,
    model_provider: "openai",
    model_name: "gpt-4o",
    model_version: "gpt-4o-2024-08-06",
    input_tokens: 1_000,
    output_tokens: 200,
    total_tokens: 1_200,
    // 600 tokens at 2.50, 400 cached ones at 1.25, 200 at 10 dollars for a million: reasoning is among the latter.
    cost_usd: 0.004,
    cost_source,
    user_prompt_preview: "What is 6 times 7?",
    response_preview: "42",
    status: "completed",
  });
  assert.ok([conversation_id, log_id, logged_at, publisher_id].every((value) => typeof value === "string"));
  assert.equal(seq, 1);
  assert.ok(String(started_at) <= String(ended_at));
});

test("logOpenAI() - parse() is logged once and still parses", async (t) => {
  const world = await open(t, (_, response) => json(response, completion('{"total":42}')));
  const answer = await world.client.chat.completions.parse({
    model: "gpt-4o",
    messages,
    response_format: { type: "json_schema", json_schema: { name: "sum", strict: true, schema: { type: "object" } } },
  });
  assert.deepEqual(answer.choices[0]?.message.parsed, { total: 42 });
  assert.equal((await onlyEntry(world))["response_preview"], '{"total":42}');
});

const response: Json = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "gpt-4o-2024-08-06",
  output: [
    { type: "reasoning", id: "rs_1", summary: [] },
    {
      type: "message",
      id: "msg_1",
      role: "assistant",
      content: [{ type: "output_text", text: "42", annotations: [] }],
    },
  ],
  usage: {
    input_tokens: 1_000,
    output_tokens: 200,
    total_tokens: 1_200,
    input_tokens_details: { cached_tokens: 400 },
    output_tokens_details: { reasoning_tokens: 150 },
  },
};

test("logOpenAI() - a response is logged as a chat completion is, from create() and parse()", async (t) => {
  const world = await open(t, (_, answer) => json(answer, response));
  const { responses } = world.client;
  assert.equal((await responses.create({ model: "gpt-4o", input: "6 times 7?" })).output_text, "42");
  const input: OpenAI.Responses.ResponseInput = [
    {
      role: "user",
      content: [
        { type: "input_image", detail: "auto" },
        { type: "input_text", text: "6 times 7?" },
      ],
    },
    { role: "assistant", content: "Hm." },
  ];
  assert.equal((await responses.parse({ model: "gpt-4o", input })).output_text, "42");
  const entries = await world.entries();
  assert.deepEqual(
    entries.map(({ user_prompt_preview }) => user_prompt_preview),
    ["6 times 7?", "[input_image]\n6 times 7?"],
  );
  for (const { response_preview, input_tokens, output_tokens, total_tokens, cost_usd, status } of entries) {
    assert.deepEqual(
      { response_preview, input_tokens, output_tokens, total_tokens, cost_usd, status },
      {
        response_preview: "42",
        input_tokens: 1_000,
        output_tokens: 200,
        total_tokens: 1_200,
        cost_usd: 0.004,
        status: "completed",
      },
    );
  }
});

test("logOpenAI() - a response that failed is an error, one that goes on in the background has no status", async (t) => {
  const answers = [
    {
      ...response,
      status: "failed",
      error: { code: "server_error", message: "out of order" },
      output: [],
      usage: null,
    },
    { ...response, status: "queued", output: [], usage: null },
  ];
  const world = await open(t, (_, answer) => json(answer, answers.shift()));
  await world.client.responses.create({ model: "gpt-4o", input: "a" });
  await world.client.responses.create({ model: "gpt-4o", input: "b", background: true });
  const [failed, queued] = await world.entries();
  assert.equal(failed!["status"], "error");
  assert.equal(failed!["error_message"], "out of order");
  assert.equal(failed!["total_tokens"], undefined);
  assert.equal(queued!["status"], undefined);
  assert.equal(queued!["ended_at"], undefined);
});

test("logOpenAI() - embeddings are logged with their tokens", async (t) => {
  const data = [
    { object: "embedding", index: 0, embedding: Buffer.from(new Float32Array([1, 2]).buffer).toString("base64") },
  ];
  const answer = {
    object: "list",
    model: "text-embedding-3-small",
    data,
    usage: { prompt_tokens: 5, total_tokens: 5 },
  };
  const world = await open(t, (_, reply) => json(reply, answer));
  const embeddings = await world.client.embeddings.create({ model: "text-embedding-3-small", input: ["one", "two"] });
  assert.deepEqual([...embeddings.data[0]!.embedding], [1, 2]);
  const entry = await onlyEntry(world);
  assert.equal(entry["input_tokens"], 5);
  assert.equal(entry["output_tokens"], undefined);
  assert.equal(entry["user_prompt_preview"], "one");
  assert.equal(entry["model_version"], undefined);
  assert.ok(Math.abs((entry["cost_usd"] as number) - (5 * 0.02) / 1e6) < 1e-15);
});

test("logOpenAI() - OpenRouter's own cost is taken, and with one's own key what the upstream takes is added", async (t) => {
  const usages = [
    { ...usage, cost: 0.0123, cost_details: { upstream_inference_cost: 0.0123 } },
    { ...usage, cost: 0.0005, is_byok: true, cost_details: { upstream_inference_cost: 0.01 } },
    { ...usage, cost: null },
  ];
  const model = "anthropic/claude-3.5-sonnet";
  const world = await open(t, (_, reply) => json(reply, completion("42", { model, usage: usages.shift() })), {
    modelProvider: "openrouter",
  });
  for (let call = 0; call < 3; call += 1) await world.client.chat.completions.create({ model, messages });
  const entries = await world.entries();
  assert.deepEqual(
    entries.map(({ cost_usd, cost_source, total_tokens }) => [cost_usd, cost_source, total_tokens]),
    [
      [0.0123, "provider", 1_200],
      [0.0105, "provider", 1_200],
      [0.006, cost_source, 1_200],
    ],
  );
});

test("logOpenAI() - an error that OpenRouter gives with status 200 is an error", async (t) => {
  const world = await open(t, (_, reply) => json(reply, { error: { code: 502, message: "the provider is down" } }));
  const answer: unknown = await world.client.chat.completions.create({ model: "m", messages });
  assert.deepEqual((answer as Json)["error"], { code: 502, message: "the provider is down" });
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "error");
  assert.equal(entry["error_message"], "the provider is down");
});

test("logOpenAI() - no price is computed for a service tier that has other prices", async (t) => {
  const world = await open(t, (_, reply) => json(reply, completion("42", { service_tier: "flex" })));
  await world.client.chat.completions.create({ model: "gpt-4o", messages, service_tier: "flex" });
  const entry = await onlyEntry(world);
  assert.equal(entry["total_tokens"], 1_200);
  assert.equal(entry["cost_usd"], undefined);
});

test("logOpenAI() - an error of the API is an error here and the same one for the caller", async (t) => {
  const world = await open(t, (_, reply) => json(reply, { error: { message: "no such model" } }, 404));
  const failure = await world.client.chat.completions.create({ model: "m", messages }).catch((error: unknown) => error);
  assert.ok(failure instanceof OpenAI.NotFoundError);
  assert.equal(failure.message, "404 no such model");
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "error");
  assert.equal(entry["error_message"], "404 no such model");
  assert.equal(entry["model_name"], "m");
});

test("logOpenAI() - a timeout of the client and one of the caller's signal are timeouts, an abort is an error", async (t) => {
  const world = await open(t, () => {});
  const { completions } = world.client.chat;
  const request = { model: "m", messages };
  await assert.rejects(completions.create(request, { timeout: 1 }), OpenAI.APIConnectionTimeoutError);
  await assert.rejects(completions.create(request, { signal: AbortSignal.timeout(1) }), OpenAI.APIUserAbortError);
  await assert.rejects(completions.create(request, { signal: AbortSignal.abort() }), OpenAI.APIUserAbortError);
  assert.deepEqual(
    (await world.entries()).map(({ status }) => status),
    ["timeout", "timeout", "error"],
  );
});

test("logOpenAI() - tool calls that the model asks for are the preview of an answer without text, and no entries", async (t) => {
  const tool_calls = [
    { id: "c1", type: "function", function: { name: "get_weather", arguments: '{"city":"Paris"}' } },
    { id: "c2", type: "function", function: { name: "get_time", arguments: "{}" } },
  ];
  const answer = completion("", {
    choices: [{ index: 0, finish_reason: "tool_calls", message: { role: "assistant", content: null, tool_calls } }],
  });
  const world = await open(t, (_, reply) => json(reply, answer));
  await world.client.chat.completions.create({ model: "gpt-4o", messages });
  assert.equal((await onlyEntry(world))["response_preview"], 'get_weather {"city":"Paris"}\nget_time {}');
});

test("logOpenAI() - runTools() logs each call of the model that it makes", async (t) => {
  const tool_calls = [{ id: "c1", type: "function", function: { name: "six_times_seven", arguments: "{}" } }];
  const answers = [
    completion("", {
      choices: [{ index: 0, finish_reason: "tool_calls", message: { role: "assistant", content: null, tool_calls } }],
    }),
    completion("It is 42."),
  ];
  const world = await open(t, (_, reply) => json(reply, answers.shift()));
  const runner = world.client.chat.completions.runTools({
    model: "gpt-4o",
    messages,
    tools: [
      {
        type: "function",
        function: { name: "six_times_seven", description: "42", parameters: {}, function: () => "42" },
      },
    ],
  });
  assert.equal(await runner.finalContent(), "It is 42.");
  assert.deepEqual(
    (await world.entries()).map(({ response_preview }) => response_preview),
    ["six_times_seven {}", "It is 42."],
  );
});

test("logged() - a call with a conversation's ID becomes an action of it; other columns are the entry's", async (t) => {
  const world = await open(t, (_, reply) => json(reply, completion("42")));
  const { completions } = world.client.chat;
  await completions.create({ model: "gpt-4o", messages }, logged({ agent_position: "CMO" }));
  const { signal } = new AbortController();
  await completions.create({ model: "gpt-4o", messages }, logged({ conversation_id: "c-17" }, { signal }));
  assert.equal((await onlyEntry(world))["agent_position"], "CMO");
  const entry = await onlyEntry(world, "action_logs");
  const { action_id, started_at, completed_at, duration_ms, log_id, logged_at, publisher_id, seq, ...rest } = entry;
  assert.deepEqual(rest, {
    business_id: "acme",
    agent_position: "CFO",
    conversation_id: "c-17",
    action_target: "gpt-4o",
    action_details: {
      model_provider: "openai",
      model_name: "gpt-4o",
      model_version: "gpt-4o-2024-08-06",
      input_tokens: 1_000,
      output_tokens: 200,
      total_tokens: 1_200,
      cost_source,
      status: "completed",
      user_prompt_preview: "What is 6 times 7?",
    },
    success: true,
    result_summary: "42",
    cost_usd: 0.004,
  });
  assert.ok([action_id, started_at, completed_at, log_id, logged_at, publisher_id].every(Boolean));
  assert.ok(Number.isInteger(duration_ms) && Number.isInteger(seq));
});

test("logged() - reaches the call that parse() makes", async (t) => {
  const world = await open(t, (_, reply) => json(reply, completion("42")));
  await world.client.chat.completions.parse({ model: "gpt-4o", messages }, logged({ conversation_id: "c-17" }));
  assert.equal((await onlyEntry(world, "action_logs"))["conversation_id"], "c-17");
});
