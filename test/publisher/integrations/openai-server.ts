import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { logOpenAI, type OpenAIOptions } from "@indelible/publisher/openai";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { OpenAI } from "openai";
import { openFixture, type Fixture } from "../recording-transport.ts";

export type Json = { readonly [key: string]: unknown };

/** Answers one request, of which `body` is the parsed body. */
export type Script = (body: Json, response: ServerResponse, path: string) => void;

export interface Server {
  readonly baseURL: string;
  /** The bodies of all requests so far. */
  readonly requests: Json[];
}

/** A server on this machine that answers as `script` says, until the test ends. */
export async function serve(t: TestContext, script: Script): Promise<Server> {
  const requests: Json[] = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const body = JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) as Json;
    requests.push(body);
    script(body, response, request.url ?? "");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, requests };
}

export function json(response: ServerResponse, answer: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_1" });
  response.end(JSON.stringify(answer));
}

/** Sends events as they are streamed, with `[DONE]` at the end unless the stream is to stay open. */
export function stream(response: ServerResponse, events: readonly Json[], isOpen = false): void {
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_1" });
  for (const event of events) {
    if (typeof event["type"] === "string") response.write(`event: ${event["type"]}\n`);
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
  if (!isOpen) response.end("data: [DONE]\n\n");
}

export const usage: Json = {
  prompt_tokens: 1_000,
  completion_tokens: 200,
  total_tokens: 1_200,
  prompt_tokens_details: { cached_tokens: 400 },
  completion_tokens_details: { reasoning_tokens: 150 },
};

/** A chat completion that says `content`. */
export function completion(content: string, further: Json = {}): Json {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "gpt-4o-2024-08-06",
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
    usage,
    ...further,
  };
}

/** The chunks of a chat completion that says `words`, as streamed. */
export function chunks(words: readonly string[], further: readonly Json[] = []): Json[] {
  const chunk = (delta: Json, finish_reason: string | null = null): Json => ({
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-4o-2024-08-06",
    choices: [{ index: 0, delta, finish_reason }],
  });
  return [
    chunk({ role: "assistant", content: "" }),
    ...words.map((content) => chunk({ content })),
    chunk({}, "stop"),
    ...further,
  ];
}

export const usageChunk: Json = {
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  created: 1,
  model: "gpt-4o-2024-08-06",
  choices: [],
  usage,
};

export const messages: OpenAI.ChatCompletionMessageParam[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "What is 6 times 7?" },
];

export interface World extends Server {
  readonly client: OpenAI;
  readonly bare: OpenAI;
  readonly log: Fixture["log"];
  /** Everything logged so far to a table, each entry checked against its declaration. */
  entries(table?: "conversations" | "action_logs"): Promise<Json[]>;
}

/** A wrapped client of a server that answers as `script` says. It passes for OpenAI's, so that there are prices. */
export async function open(
  t: TestContext,
  script: Script,
  options: OpenAIOptions = { modelProvider: "openai" },
): Promise<World> {
  const server = await serve(t, script);
  const { log, transport, errors } = openFixture();
  const bare = new OpenAI({ baseURL: server.baseURL, apiKey: "k", maxRetries: 0 });
  return {
    ...server,
    bare,
    log,
    client: logOpenAI(bare, log, options),
    async entries(table = "conversations") {
      await log.flush();
      assert.deepEqual(errors, []);
      const events = transport.events(table);
      for (const event of events) assertEvent(table, event);
      return events;
    },
  };
}

/** The only entry there is. */
export async function onlyEntry(world: World, table?: "conversations" | "action_logs"): Promise<Json> {
  const [entry, ...others] = await world.entries(table);
  assert.deepEqual(others, []);
  assert.ok(entry);
  return entry;
}
