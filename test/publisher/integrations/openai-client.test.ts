import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { logOpenAI } from "@indelible/publisher/openai";
import { providerOf } from "@indelible/publisher/integrations/openai-provider.ts";
import { AzureOpenAI, OpenAI } from "openai";
import { type Stream } from "openai/streaming";
import { openFixture } from "../recording-transport.ts";
import { chunks, completion, json, messages, onlyEntry, open, stream, type Json, type World } from "./openai-server.ts";
import { expectNoUnhandledRejection, settle } from "./rejections.ts";

expectNoUnhandledRejection();

const request = { model: "gpt-4o", messages };
const streamed = { ...request, stream: true } as const;

test("logOpenAI() - the wrapped client is of the client's class, and its types are kept", async (t) => {
  const world = await open(t, (body, response) =>
    body["stream"] === true ? stream(response, chunks(["42"])) : json(response, completion("42")),
  );
  const client: OpenAI = world.client;
  const answer = await client.chat.completions.create(request);
  const typed: OpenAI.ChatCompletion = answer;
  const answers: Stream<OpenAI.ChatCompletionChunk> = await client.chat.completions.create(streamed);
  const azure: AzureOpenAI = logOpenAI(
    new AzureOpenAI({ apiKey: "k", apiVersion: "2024-10-21", endpoint: "https://a.openai.azure.com" }),
    world.log,
  );
  // @ts-expect-error: a request without messages is as wrong as it was.
  const wrong = (): unknown => client.chat.completions.create({ model: "gpt-4o" });
  assert.equal(typeof wrong, "function");
  assert.ok(azure instanceof AzureOpenAI);
  assert.ok(client instanceof OpenAI);
  assert.equal(client.constructor, OpenAI);
  assert.equal(typed.choices[0]?.message.content, "42");
  assert.equal(answer["_request_id"], "req_1");
  answers.controller.abort();
  assert.equal(client.chat.completions.create, client.chat.completions.create);
  assert.equal(client.chat, client.chat);
  assert.equal(client.files, world.bare.files);
  client.maxRetries = 5;
  assert.equal(world.bare.maxRetries, 5);
});

test("logOpenAI() - wrapping twice logs once, by the later log; the client beneath is not logged", async (t) => {
  const world = await open(t, (_, response) => json(response, completion("42")));
  const { log, transport } = openFixture();
  await logOpenAI(world.client, log).chat.completions.create(request);
  await world.bare.chat.completions.create(request);
  await log.flush();
  assert.equal(transport.events("conversations").length, 1);
  assert.deepEqual(await world.entries(), []);
});

test("logOpenAI() - a client made by withOptions() is logged, too, with its own base URL", async (t) => {
  const world = await open(t, (_, response) => json(response, completion("42")), {});
  await world.client.withOptions({ timeout: 5_000 }).withOptions({ maxRetries: 1 }).chat.completions.create(request);
  assert.equal((await onlyEntry(world))["model_provider"], "127.0.0.1");
});

test("logOpenAI() - given a conversation, its calls are actions of that", async (t) => {
  const world = await open(t, (_, response) => json(response, completion("42")));
  const conversation = world.log.conversation.start();
  await logOpenAI(world.client, conversation).chat.completions.create(request);
  conversation.end();
  const entry = await onlyEntry(world, "action_logs");
  assert.equal(entry["conversation_id"], conversation.id);
  assert.equal(entry["success"], true);
  assert.equal((await world.entries()).length, 2);
});

test("logOpenAI() - concurrent calls keep their own prompts and answers", async (t) => {
  const waiting: (() => void)[] = [];
  const count = 20;
  const world = await open(t, (body, response) => {
    const [message] = body["messages"] as Json[];
    waiting.push(() => json(response, completion(`to ${String(message!["content"])}`)));
    if (waiting.length === count) for (const answer of waiting.toReversed()) answer();
  });
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      world.client.chat.completions.create({ model: "gpt-4o", messages: [{ role: "user", content: `prompt ${n}` }] }),
    ),
  );
  const entries = await world.entries();
  assert.equal(entries.length, count);
  assert.equal(new Set(entries.map(({ conversation_id }) => conversation_id)).size, count);
  for (const entry of entries) assert.equal(entry["response_preview"], `to ${String(entry["user_prompt_preview"])}`);
});

test("logOpenAI() - a log that throws is not noticed by the caller", async (t) => {
  t.mock.method(process, "emitWarning", () => {});
  const world = await open(t, (body, response) =>
    body["stream"] === true ? stream(response, chunks(["4", "2"])) : json(response, completion("42")),
  );
  const fail = (): never => {
    throw new Error("the log is broken");
  };
  const broken = { conversation: Object.assign(fail, { start: fail }), action: Object.assign(fail, { start: fail }) };
  const { completions } = logOpenAI(world.bare, broken).chat;
  assert.equal((await completions.create(request)).choices[0]?.message.content, "42");
  let text = "";
  for await (const chunk of await completions.create(streamed)) text += chunk.choices[0]?.delta.content ?? "";
  assert.equal(text, "42");
  await settle();
});

test("logOpenAI() - hostile answers reach the caller as they are, and make an entry of what could be read", async (t) => {
  const warn = t.mock.method(process, "emitWarning", () => {});
  const hostile = {
    model: "m-1",
    get choices(): never {
      throw new Error("a getter of the answer");
    },
  };
  const odd = { usage: null, choices: [null, 7], model: 7, status: {}, output: "none", error: null };
  const failure = new Error("the host's own");
  const answers: unknown[] = [hostile, odd, null, undefined, 7, "text", failure];
  const create = async (_body: unknown): Promise<unknown> => {
    const answer = answers.shift();
    if (answer === failure) throw failure;
    return answer;
  };
  const { log, transport, errors } = openFixture();
  const expected = [...answers];
  const client = logOpenAI({ chat: { completions: { create } } }, log);
  for (const answer of expected) {
    const given = await client.chat.completions.create({ messages: 7 }).catch((error: unknown) => error);
    assert.equal(given, answer);
  }
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  await client.chat.completions.create(proxy);
  await log.flush();
  assert.deepEqual(errors, []);
  const events = transport.events("conversations");
  assert.equal(events.length, 8);
  assert.equal(events[0]!["model_name"], "m-1");
  assert.equal(events[6]!["error_message"], "the host's own");
  assert.ok(warn.mock.callCount() <= 1);
});

test("logOpenAI() - an error that create() throws at once is the caller's, and is logged", async () => {
  const failure = new Error("no messages");
  const create = (): never => {
    throw failure;
  };
  const { log, transport } = openFixture();
  const client = logOpenAI({ chat: { completions: { create } } }, log);
  assert.throws(
    () => client.chat.completions.create(),
    (error) => error === failure,
  );
  await log.flush();
  assert.equal(transport.events("conversations")[0]!["error_message"], "no messages");
});

test("logOpenAI() - a frozen client works, though its frozen parts cannot be logged", async () => {
  const create = async (): Promise<string> => "42";
  const { log } = openFixture();
  const client = Object.freeze({ chat: Object.freeze({ completions: Object.freeze({ create }) }) });
  assert.equal(await logOpenAI(client, log).chat.completions.create(), "42");
});

test("logOpenAI() - takes an object only", () => {
  const { log } = openFixture();
  // @ts-expect-error: the compiler says so, too.
  assert.throws(() => logOpenAI(undefined, log), { code: "ERR_CONFIG" });
});

test("logOpenAI() - a failure that nobody awaits is an unhandled rejection, as it is without", async () => {
  // In a process of its own: here, the rejection would be the test's.
  const program = `
    import { logOpenAI } from "@indelible/publisher/openai";
    import { OpenAI } from "openai";
    const fetch = async () => Response.json({ error: { message: "no" } }, { status: 400 });
    const bare = new OpenAI({ apiKey: "k", maxRetries: 0, fetch });
    const client = logOpenAI(bare, { conversation() {}, action() {} });
    process.on("unhandledRejection", (error) => console.log(error.message));
    void (process.argv[1] === "bare" ? bare : client).chat.completions.create({ model: "m", messages: [] });
  `;
  const cwd = fileURLToPath(new URL("../../../", import.meta.url));
  const run = async (which: string): Promise<string> =>
    (await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program, which], { cwd })).stdout;
  assert.equal(await run("bare"), "400 no\n");
  assert.equal(await run("wrapped"), "400 no\n");
});

test("logOpenAI() - a failure that is awaited or caught anywhere is handled, and logged once", async (t) => {
  const world = await open(t, (_, response) => json(response, { error: { message: "no" } }, 400));
  const { completions } = world.client.chat;
  const promise = completions.create(request);
  await assert.rejects(promise, OpenAI.BadRequestError);
  await assert.rejects(promise.withResponse(), OpenAI.BadRequestError);
  await assert.rejects(promise.asResponse(), OpenAI.BadRequestError);
  await completions.create(request).catch(() => {});
  await assert.rejects(completions.create(request).asResponse(), OpenAI.BadRequestError);
  await assert.rejects(
    completions.create(request).finally(() => {}),
    OpenAI.BadRequestError,
  );
  await settle();
  const entries = await world.entries();
  assert.equal(entries.length, 4);
  for (const { error_message } of entries) assert.equal(error_message, "400 no");
});

/** Collects garbage until there is an entry. */
async function entryAfterCollection(t: TestContext, world: World): Promise<Json> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const deadline = AbortSignal.timeout(60_000);
  while ((await world.entries()).length === 0) {
    deadline.throwIfAborted();
    collect();
    await settle();
  }
  t.diagnostic("collected");
  return onlyEntry(world);
}

test("logOpenAI() - an answer that nobody awaits makes an entry without a status when it cannot be read any more", async (t) => {
  const answered = Promise.withResolvers<void>();
  const world = await open(t, (_, response) => {
    json(response, completion("42"));
    answered.resolve();
  });
  void world.client.chat.completions.create(request);
  await answered.promise;
  const entry = await entryAfterCollection(t, world);
  assert.equal(entry["status"], undefined);
  assert.equal(entry["error_message"], "nobody read the answer to its end");
  assert.equal(entry["user_prompt_preview"], "What is 6 times 7?");
});

test("logOpenAI() - a stream that is dropped half read makes an entry of what had come", async (t) => {
  const world = await open(t, (_, response) => stream(response, chunks(["4", "2"])));
  await (async () => {
    const iterator = (await world.client.chat.completions.create(streamed))[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
  })();
  const entry = await entryAfterCollection(t, world);
  assert.equal(entry["response_preview"], "4");
  assert.equal(entry["status"], undefined);
});

test("providerOf() - by the base URL: a known host, a part of one, or the host itself", () => {
  const expected: [string, string | undefined][] = [
    ["https://api.openai.com/v1", "openai"],
    ["https://eu.api.openai.com/v1", "openai"],
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://acme.openai.azure.com/openai", "azure"],
    ["https://generativelanguage.googleapis.com/v1beta/openai/", "google"],
    ["https://notopenrouter.ai/api/v1", "notopenrouter.ai"],
    ["http://localhost:11434/v1", "localhost"],
    ["nonsense", undefined],
  ];
  for (const [baseURL, provider] of expected) assert.equal(providerOf({ baseURL }), provider);
  assert.equal(providerOf({ baseURL: "https://gateway.acme.com", apiVersion: "2024-10-21" }), "azure");
});
