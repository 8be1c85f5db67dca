import assert from "node:assert/strict";
import { test } from "node:test";
import { logged } from "@indelible/publisher/openai";
import { OpenAI } from "openai";
import { Stream } from "openai/streaming";
import { chunks, completion, json, messages, onlyEntry, open, stream, usageChunk, type Json } from "./openai-server.ts";
import { expectNoUnhandledRejection } from "./rejections.ts";

expectNoUnhandledRejection();

type Chunk = OpenAI.ChatCompletionChunk;

const request = { model: "gpt-4o", messages, stream: true } as const;
const words = ["The answer", " is ", "42."];

async function read(source: AsyncIterable<Chunk>): Promise<string> {
  let text = "";
  for await (const chunk of source) text += chunk.choices[0]?.delta.content ?? "";
  return text;
}

test("logOpenAI() - a stream is the client's own and makes one entry at its end, without tokens if none were asked for", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words)));
  const answer = await world.client.chat.completions.create(request);
  assert.ok(answer instanceof Stream);
  assert.ok(answer.controller instanceof AbortController);
  assert.deepEqual(await world.entries(), []);
  assert.equal(await read(answer), "The answer is 42.");
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "completed");
  assert.equal(entry["response_preview"], "The answer is 42.");
  assert.equal(entry["model_version"], "gpt-4o-2024-08-06");
  for (const column of ["input_tokens", "output_tokens", "total_tokens", "cost_usd", "cost_source", "error_message"]) {
    assert.equal(entry[column], undefined);
  }
  assert.deepEqual(world.requests, [request]);
  await assert.rejects(read(answer), /consumed stream/);
  assert.equal((await world.entries()).length, 1);
});

test("logOpenAI() - usage comes from the last chunk when the caller asked for it", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words, [usageChunk])));
  const stream_options = { include_usage: true };
  await read(await world.client.chat.completions.create({ ...request, stream_options }));
  const entry = await onlyEntry(world);
  assert.equal(entry["input_tokens"], 1_000);
  assert.equal(entry["output_tokens"], 200);
  assert.equal(entry["total_tokens"], 1_200);
  assert.equal(entry["cost_usd"], 0.004);
});

test("logOpenAI() - includeUsage asks for usage, but not where the caller says no, nor for responses", async (t) => {
  const script = (_: Json, response: Parameters<typeof stream>[0]): void =>
    stream(response, chunks(words, [usageChunk]));
  const world = await open(t, script, { includeUsage: true });
  const { chat, responses } = world.client;
  await read(await chat.completions.create(request));
  await read(await chat.completions.create({ ...request, stream_options: { include_usage: false } }));
  for await (const _ of await responses.create({ model: "gpt-4o", prompt: { id: "p" }, stream: true })) continue;
  await chat.completions.create({ ...request, stream: false }).catch(() => {});
  assert.deepEqual(
    world.requests.map(({ stream_options }) => stream_options),
    [{ include_usage: true }, { include_usage: false }, undefined, undefined],
  );
  assert.equal((await world.entries())[0]!["total_tokens"], 1_200);
});

test("logOpenAI() - a stream left half read makes one entry of what had come, and ends the request", async (t) => {
  const closed = Promise.withResolvers<void>();
  const world = await open(t, (_, response) => {
    response.on("close", closed.resolve);
    stream(response, chunks(words).slice(0, 3), true);
  });
  for await (const chunk of await world.client.chat.completions.create(request)) {
    if (chunk.choices[0]?.delta.content === " is ") break;
  }
  await closed.promise;
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "error");
  assert.equal(entry["error_message"], "the stream was left before its end");
  assert.equal(entry["response_preview"], "The answer is ");
});

test("logOpenAI() - a stream left after the model's last word is complete", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words), true));
  for await (const chunk of await world.client.chat.completions.create(request)) {
    if (chunk.choices[0]?.finish_reason === "stop") break;
  }
  assert.equal((await onlyEntry(world))["status"], "completed");
});

test("logOpenAI() - an aborted stream ends for the caller as ever, and is an error of what had come", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words).slice(0, 2), true));
  const answer = await world.client.chat.completions.create(request);
  let text = "";
  for await (const chunk of answer) {
    text += chunk.choices[0]?.delta.content ?? "";
    if (text !== "") answer.controller.abort();
  }
  assert.equal(text, "The answer");
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "error");
  assert.equal(entry["error_message"], "the stream was aborted");
  assert.equal(entry["response_preview"], "The answer");
});

test("logOpenAI() - an error within a stream is thrown to the caller, and makes one entry", async (t) => {
  const error = { message: "the provider is down", code: 502 };
  const world = await open(t, (_, response) => stream(response, [...chunks(words).slice(0, 2), { error }]));
  const answer = await world.client.chat.completions.create(request);
  await assert.rejects(read(answer), OpenAI.APIError);
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "error");
  assert.match(String(entry["error_message"]), /the provider is down/);
  assert.equal(entry["response_preview"], "The answer");
});

test("logOpenAI() - tee() and toReadableStream() give what they did, and make one entry each", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words)));
  const { completions } = world.client.chat;
  const [left, right] = (await completions.create(request)).tee();
  assert.deepEqual(await Promise.all([read(left), read(right)]), ["The answer is 42.", "The answer is 42."]);
  const readable = (await completions.create(request)).toReadableStream();
  const copy = Stream.fromReadableStream<Chunk>(readable, new AbortController());
  assert.equal(await read(copy), "The answer is 42.");
  const entries = await world.entries();
  assert.deepEqual(
    entries.map(({ status, response_preview }) => [status, response_preview]),
    [
      ["completed", "The answer is 42."],
      ["completed", "The answer is 42."],
    ],
  );
});

test("logOpenAI() - withResponse() gives the answer and the response, by one request and one entry", async (t) => {
  const world = await open(t, (body, response) =>
    body["stream"] === true ? stream(response, chunks(words)) : json(response, completion("42")),
  );
  const { completions } = world.client.chat;
  const promise = completions.create({ model: "gpt-4o", messages });
  const { data, response, request_id } = await promise.withResponse();
  assert.equal(data.choices[0]?.message.content, "42");
  assert.equal(response.status, 200);
  assert.equal(request_id, "req_1");
  assert.equal(await promise, data);
  assert.equal((await promise)["_request_id"], "req_1");
  const streamed = await completions.create(request).withResponse();
  assert.equal(await read(streamed.data), "The answer is 42.");
  assert.equal(world.requests.length, 2);
  assert.equal((await world.entries()).length, 2);
});

test("logOpenAI() - asResponse() gives the raw response with its body unread, and an entry without text", async (t) => {
  const world = await open(t, (_, response) => json(response, completion("42")));
  const response = await world.client.chat.completions.create({ model: "gpt-4o", messages }).asResponse();
  assert.equal(response.bodyUsed, false);
  assert.equal(((await response.json()) as Json)["id"], "chatcmpl-1");
  assert.equal(world.requests.length, 1);
  const entry = await onlyEntry(world);
  assert.equal(entry["status"], "completed");
  assert.equal(entry["response_preview"], undefined);
  assert.equal(entry["total_tokens"], undefined);
});

test("logOpenAI() - stream() of chat completions gives its events and makes one entry", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(words)));
  const runner = world.client.chat.completions.stream({ model: "gpt-4o", messages }, logged({ agent_position: "CMO" }));
  const deltas: string[] = [];
  runner.on("content", (delta) => deltas.push(delta));
  assert.equal(await runner.finalContent(), "The answer is 42.");
  assert.deepEqual(deltas, words);
  const entry = await onlyEntry(world);
  assert.equal(entry["response_preview"], "The answer is 42.");
  assert.equal(entry["agent_position"], "CMO");
});

test("logOpenAI() - streamed tool calls are the preview of an answer without text", async (t) => {
  const delta = (call: Json): Json => ({
    ...usageChunk,
    usage: null,
    choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }],
  });
  const world = await open(t, (_, response) =>
    stream(response, [
      delta({ index: 0, id: "c1", type: "function", function: { name: "get_weather", arguments: "" } }),
      delta({ index: 0, function: { arguments: '{"city":' } }),
      delta({ index: 0, function: { arguments: '"Paris"}' } }),
      delta({ index: 1, id: "c2", type: "function", function: { name: "get_time", arguments: "{}" } }),
    ]),
  );
  await read(await world.client.chat.completions.create(request));
  assert.equal((await onlyEntry(world))["response_preview"], 'get_weather {"city":"Paris"}\nget_time {}');
});

const created: Json = { id: "resp_1", object: "response", created_at: 1, model: "gpt-4o-2024-08-06", output: [] };
const part = { item_id: "msg_1", output_index: 0, content_index: 0 };
const events: Json[] = [
  { type: "response.created", sequence_number: 0, response: { ...created, status: "in_progress", usage: null } },
  {
    type: "response.output_item.added",
    sequence_number: 1,
    output_index: 0,
    item: { type: "message", id: "msg_1", role: "assistant", status: "in_progress", content: [] },
  },
  {
    type: "response.content_part.added",
    sequence_number: 2,
    ...part,
    part: { type: "output_text", text: "", annotations: [] },
  },
  { type: "response.output_text.delta", sequence_number: 3, ...part, delta: "4", logprobs: [] },
  { type: "response.output_text.delta", sequence_number: 4, ...part, delta: "2", logprobs: [] },
  {
    type: "response.completed",
    sequence_number: 5,
    response: {
      ...created,
      status: "completed",
      output: [
        {
          type: "message",
          id: "msg_1",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "42", annotations: [] }],
        },
      ],
      usage: { input_tokens: 1_000, output_tokens: 200, total_tokens: 1_200 },
    },
  },
];

test("logOpenAI() - a streamed response has tokens and text from its last event, from create() and stream()", async (t) => {
  const world = await open(t, (_, response) => stream(response, events));
  const { responses } = world.client;
  const types: string[] = [];
  for await (const { type } of await responses.create({ model: "gpt-4o", input: "a", stream: true })) types.push(type);
  assert.deepEqual(
    types,
    events.map(({ type }) => type),
  );
  const final = await responses.stream({ model: "gpt-4o", input: "b" }).finalResponse();
  assert.equal(final.output_text, "42");
  for (const { response_preview, total_tokens, status } of await world.entries()) {
    assert.deepEqual(
      { response_preview, total_tokens, status },
      { response_preview: "42", total_tokens: 1_200, status: "completed" },
    );
  }
  assert.equal((await world.entries()).length, 2);
});

test("logOpenAI() - a streamed response left half read has the text of its deltas", async (t) => {
  const world = await open(t, (_, response) => stream(response, events.slice(0, 4), true));
  for await (const { type } of await world.client.responses.create({ model: "gpt-4o", input: "a", stream: true })) {
    if (type === "response.output_text.delta") break;
  }
  const entry = await onlyEntry(world);
  assert.equal(entry["response_preview"], "4");
  assert.equal(entry["status"], "error");
});
