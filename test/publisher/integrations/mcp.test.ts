import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { logMcp, type McpOptions } from "@indelible/publisher/mcp";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTaskStore } from "@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, McpError, type CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { openFixture } from "../recording-transport.ts";
import { expectNoUnhandledRejection, settle } from "./rejections.ts";

expectNoUnhandledRejection();

type Handler = (
  name: string,
  input: { [key: string]: unknown },
  progress: (progress: number) => Promise<void>,
) => CallToolResult | Promise<CallToolResult>;

/** A client that is connected to a server whose tools do what `handle` says. */
async function connect(t: TestContext, handle: Handler): Promise<Client> {
  const taskStore = new InMemoryTaskStore();
  const server = new Server(
    { name: "ledger", version: "1.0.0" },
    { capabilities: { tools: {}, tasks: { requests: { tools: { call: {} } } } }, taskStore },
  );
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const { name, arguments: input = {}, _meta } = params;
    const progress = (done: number): Promise<void> =>
      server.notification({
        method: "notifications/progress",
        params: { progressToken: _meta?.progressToken ?? 0, progress: done },
      });
    const result = handle(name, input, progress);
    if (params.task === undefined || extra.taskStore === undefined) return result;
    const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 1 });
    await extra.taskStore.storeTaskResult(task.taskId, "completed", await result);
    return { task };
  });
  const [here, there] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "agent", version: "1.0.0" });
  await server.connect(there);
  await client.connect(here);
  t.after(async () => {
    await client.close();
    taskStore.cleanup();
  });
  return client;
}

const echo: Handler = (name, input) => ({ content: [{ type: "text", text: `${name} ${JSON.stringify(input)}` }] });

/** Half a surrogate pair. */
const lone = String.fromCharCode(0xd800);

type Entry = { [column: string]: unknown };

async function wrap(
  t: TestContext,
  handle: Handler,
  options?: McpOptions,
): Promise<{ client: Client; bare: Client; entries: () => Promise<Entry[]> }> {
  const { log, transport, errors } = openFixture();
  const bare = await connect(t, handle);
  const client: Client = logMcp(bare, log, options);
  const entries = async (): Promise<Entry[]> => {
    await log.flush();
    assert.deepEqual(errors, []);
    const events = transport.events("mcp_usage_logs");
    for (const event of events) assertEvent("mcp_usage_logs", event);
    return events;
  };
  return { client, bare, entries };
}

test("logMcp() - a call becomes one entry with the server's name, arguments, time and text of the result", async (t) => {
  const input = { month: "2026-01", nothing: undefined, at: new Date(0) };
  const { client, entries } = await wrap(t, (...call) => {
    const answer = echo(...call);
    input.month = "changed by the caller during the call";
    return answer;
  });
  const result = await client.callTool({ name: "get_budget", arguments: input });
  assert.equal(
    (result.content as { text: string }[])[0]?.text,
    `get_budget {"month":"2026-01","at":"1970-01-01T00:00:00.000Z"}`,
  );
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  const { usage_id, called_at, duration_ms, log_id, logged_at, publisher_id, seq, ...rest } = entry!;
  assert.deepEqual(rest, {
    business_id: "acme",
    agent_position: "CFO",
    server_name: "ledger",
    tool_name: "get_budget",
    parameters: { month: "2026-01", at: "1970-01-01T00:00:00.000Z" },
    success: true,
    result_summary: `get_budget {"month":"2026-01","at":"1970-01-01T00:00:00.000Z"}`,
  });
  assert.ok([usage_id, called_at, log_id, logged_at, publisher_id].every((value) => typeof value === "string"));
  assert.ok(Number.isInteger(duration_ms) && Number.isInteger(seq));
});

test("logMcp() - a result that says isError is a failure, and reaches the caller as it is", async (t) => {
  const content = [{ type: "text" as const, text: "no such month" }];
  const { client, bare, entries } = await wrap(t, () => ({ isError: true, content }));
  const result = await client.callTool({ name: "get_budget" });
  assert.deepEqual(result, await bare.callTool({ name: "get_budget" }));
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  assert.equal(entry!["success"], false);
  assert.equal(entry!["error_message"], "no such month");
  assert.equal(entry!["parameters"], undefined);
});

test("logMcp() - an error of the protocol, a timeout and an abort are failures, thrown on as the same object", async (t) => {
  const never = Promise.withResolvers<CallToolResult>();
  t.after(() => never.resolve({ content: [] }));
  const { client, bare, entries } = await wrap(t, (name) => {
    if (name === "broken") throw new McpError(-32_000, "out of order");
    return never.promise;
  });
  const thrown: unknown[] = [];
  const callTool = bare.callTool.bind(bare);
  bare.callTool = async (...args) => {
    try {
      return await callTool(...args);
    } catch (error) {
      thrown.push(error);
      throw error;
    }
  };
  const caught: unknown[] = [];
  const keep = (error: unknown): number => caught.push(error);
  await client.callTool({ name: "broken" }).catch(keep);
  await client.callTool({ name: "slow" }, undefined, { timeout: 1 }).catch(keep);
  const stop = new AbortController();
  const stopped = client.callTool({ name: "slow" }, undefined, { signal: stop.signal });
  stop.abort(new Error("no longer wanted"));
  await stopped.catch(keep);
  assert.equal(caught.length, 3);
  caught.forEach((error, index) => assert.equal(error, thrown[index]));
  const messages = (await entries()).map(({ success, error_message }) => [success, String(error_message)] as const);
  assert.deepEqual(
    messages.map(([success]) => success),
    [false, false, false],
  );
  assert.match(messages[0]![1], /out of order/);
  assert.match(messages[1]![1], /timed out/);
  assert.match(messages[2]![1], /no longer wanted/);
});

test("logMcp() - progress reaches the caller", async (t) => {
  const { client, entries } = await wrap(t, async (_, __, progress) => {
    await progress(1);
    await progress(2);
    return { content: [] };
  });
  const seen: number[] = [];
  await client.callTool({ name: "t" }, undefined, { onprogress: ({ progress }) => seen.push(progress) });
  assert.deepEqual(seen, [1, 2]);
  const [entry] = await entries();
  assert.equal(entry!["success"], true);
  assert.equal(entry!["result_summary"], undefined);
});

test("logMcp() - a call that runs as a task gives its messages, and one entry at its end", async (t) => {
  const { client, entries } = await wrap(t, echo);
  const types: string[] = [];
  const call = { name: "audit", arguments: { year: 2026 } };
  const messages = client.experimental.tasks.callToolStream(call, undefined, { task: { ttl: 60_000 } });
  assert.deepEqual(await entries(), []);
  for await (const { type } of messages) types.push(type);
  assert.equal(types[0], "taskCreated");
  assert.equal(types.at(-1), "result");
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  assert.equal(entry!["tool_name"], "audit");
  assert.deepEqual(entry!["parameters"], { year: 2026 });
  assert.equal(entry!["success"], true);
  assert.equal(entry!["result_summary"], 'audit {"year":2026}');
});

test("logMcp() - a task that the caller stops listening to makes an entry without an outcome, once", async (t) => {
  const { client, entries } = await wrap(t, echo);
  for await (const { type } of client.experimental.tasks.callToolStream({ name: "audit" }, undefined, {
    task: { ttl: 60_000 },
  })) {
    assert.equal(type, "taskCreated");
    break;
  }
  const [entry, ...others] = await entries();
  assert.deepEqual(others, []);
  assert.equal(entry!["success"], undefined);
  assert.match(String(entry!["error_message"]), /stopped listening/);
});

test("logMcp() - concurrent calls keep their own arguments and results", async (t) => {
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const { client, entries } = await wrap(t, async (name, input) => {
    await gates[Number(input["n"])]!.promise;
    return echo(name, input, () => Promise.resolve());
  });
  const calls = gates.map((_, n) => client.callTool({ name: "t", arguments: { n } }));
  for (const gate of gates.toReversed()) gate.resolve();
  await Promise.all(calls);
  const logged = await entries();
  assert.equal(logged.length, 5);
  for (const { parameters, result_summary } of logged) assert.equal(result_summary, `t ${JSON.stringify(parameters)}`);
});

test("logMcp() - wrapping twice logs once, by the later options; the client beneath is not logged", async (t) => {
  const { client, bare, entries } = await wrap(t, echo);
  const { log, transport } = openFixture();
  const twice = logMcp(client, log, { serverName: "books", fields: { agent_position: "CMO" } });
  await twice.callTool({ name: "t" });
  await bare.callTool({ name: "t" });
  await log.flush();
  const [entry, ...others] = transport.events("mcp_usage_logs");
  assert.deepEqual(others, []);
  assert.equal(entry!["server_name"], "books");
  assert.equal(entry!["agent_position"], "CMO");
  assert.deepEqual(await entries(), []);
});

test("logMcp() - given a conversation, its calls belong to that", async (t) => {
  const { log, transport } = openFixture();
  const conversation = log.conversation.start();
  await logMcp(await connect(t, echo), conversation).callTool({ name: "t" });
  await log.flush();
  const [entry] = transport.events("mcp_usage_logs");
  assert.equal(entry!["conversation_id"], conversation.id);
});

test("logMcp() - the wrapped client is a Client, and its other methods and properties are the client's", async (t) => {
  const { client, bare } = await wrap(t, echo);
  assert.ok(client instanceof Client);
  assert.equal(client.constructor, Client);
  assert.equal(client.callTool, client.callTool);
  assert.equal(client.getServerVersion()?.name, "ledger");
  const handlers = { onclose: (): void => {} };
  Object.assign(client, handlers);
  assert.equal(bare.onclose, handlers.onclose);
  await client.ping();
});

test("logMcp() - a log that throws, and answers whose getters throw, are not noticed by the caller", async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error): number => warnings.push(warning);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  const hostile = {
    get content(): never {
      throw new Error("a getter of the answer");
    },
  };
  const noLog = {
    mcpCall: (): never => {
      throw new Error("the log is broken");
    },
  };
  const fake = { callTool: async (...args: unknown[]): Promise<unknown> => (args.length > 0 ? hostile : undefined) };
  assert.equal(await logMcp(fake, noLog).callTool({ name: "t" }), hostile);
  const { log, transport } = openFixture();
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  assert.equal(await logMcp(fake, log).callTool({ name: `t${lone}`, arguments: cyclic }), hostile);
  await log.flush();
  const [entry] = transport.events("mcp_usage_logs");
  assert.equal(entry!["server_name"], "unknown");
  assert.equal(entry!["tool_name"], "t\ufffd");
  assert.equal(entry!["success"], undefined);
  await settle();
  assert.deepEqual(
    warnings.map(({ message }) => message),
    ["the mcp integration could not log an event: a getter of the answer"],
  );
});

test("logMcp() - long and strange arguments and results are logged as far as they fit", async () => {
  const { log, transport, errors } = openFixture();
  const content = [
    { type: "text", text: "\u{1f600}".repeat(3_000) },
    { type: "text", text: "never reached" },
  ];
  const image = [
    { type: "image", mimeType: "image/png", data: "AAAA" },
    { type: "resource_link", uri: "file:///a" },
  ];
  const answers: unknown[] = [
    { content },
    { content: image },
    { content: [], structuredContent: { total: 7 } },
    { toolResult: [1, 2] },
    null,
  ];
  const fake = { callTool: async (...args: unknown[]): Promise<unknown> => (args.length > 0 ? answers.shift() : 0) };
  const client = logMcp(fake, log);
  await client.callTool({ name: "long", arguments: { text: "x".repeat(2_000_000) } });
  await client.callTool({ name: "surrogate", arguments: { [`k${lone}`]: String.raw`\ud800` + `${lone}\u{1f600}` } });
  await client.callTool({ name: "structured", arguments: { number: Number.NaN } });
  await client.callTool({ name: "compatible" });
  await client.callTool({ name: "nothing" });
  await log.flush();
  assert.deepEqual(errors, []);
  const events = transport.events("mcp_usage_logs");
  for (const event of events) assertEvent("mcp_usage_logs", event);
  const [long, strange, structured, compatible, nothing] = events;
  assert.equal(long!["result_summary"], "\u{1f600}".repeat(1_000));
  assert.equal((long!["parameters"] as string).length, 1_048_576);
  assert.deepEqual(strange!["parameters"], { "k\ufffd": String.raw`\ud800` + "\ufffd\u{1f600}" });
  assert.equal(strange!["result_summary"], "[image image/png]\n[resource_link file:///a]");
  assert.deepEqual(structured!["parameters"], { number: null });
  assert.equal(structured!["result_summary"], '{"total":7}');
  assert.equal(compatible!["result_summary"], "[1,2]");
  assert.equal(nothing!["success"], true);
});
