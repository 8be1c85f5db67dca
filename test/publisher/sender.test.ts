import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { eventsOf, openFixture } from "./recording-transport.ts";
import "./warm-background.ts";

/** Longer than any test: what is sent was sent by a flush or because a message was full. */
const NEVER_MS = 60_000;

test("flush() - one event is JSON, several are newline-delimited and say so", async () => {
  const { log, transport } = openFixture({ lingerMs: NEVER_MS });
  log.action({ action_target: "only" });
  log.mcpCall({ server_name: "s", tool_name: "a\nb" });
  log.mcpCall({ server_name: "s", tool_name: "c" });
  assert.deepEqual(await log.flush(), { acknowledged: 3, spooled: 0, outstanding: 0 });
  const [action, calls] = transport.acknowledged;
  assert.deepEqual(action!.attributes, { encoding: "zstd" });
  assert.equal(action!.topic, "agent-logs.action_logs");
  assert.deepEqual(calls!.attributes, { format: "ndjson", encoding: "zstd" });
  assert.deepEqual(
    eventsOf(calls!).map(({ tool_name }) => tool_name),
    ["a\nb", "c"],
  );
});

test("topicPrefix - names the topics", async () => {
  const { log, transport } = openFixture({ topicPrefix: "staging" });
  log.action({});
  await log.flush();
  assert.equal(transport.acknowledged[0]!.topic, "staging.action_logs");
});

test("lingerMs - events are sent without a flush, together", async () => {
  const sent = Promise.withResolvers<void>();
  const { log, transport } = openFixture({ lingerMs: 1, answer: async () => sent.resolve() });
  log.action({});
  log.action({});
  await sent.promise;
  assert.equal(eventsOf(transport.attempts[0]!).length, 2);
  await log.close();
});

test("maxBatchEvents and maxBatchBytes - bound a message, which is then sent without a flush", async () => {
  const sent = Promise.withResolvers<void>();
  const { log, transport } = openFixture({
    lingerMs: NEVER_MS,
    maxBatchEvents: 3,
    maxBatchBytes: 2_000,
    answer: async (_message, attempt) => {
      if (attempt === 3) sent.resolve();
    },
  });
  for (let index = 0; index < 6; index += 1) log.action({});
  log.mcpCall({ server_name: "s", tool_name: "t", result_summary: "x".repeat(5_000) });
  for (let index = 0; index < 9; index += 1) log.thinking({ conversation_id: "c", rationale: "y".repeat(600) });
  await sent.promise;
  await log.flush();
  const sizes = (topic: string): number[] =>
    transport.acknowledged.filter((message) => message.topic === `agent-logs.${topic}`).map((m) => eventsOf(m).length);
  assert.deepEqual(sizes("action_logs"), [3, 3]);
  assert.deepEqual(sizes("mcp_usage_logs"), [1]);
  assert.deepEqual(sizes("thinking_logs"), [2, 2, 2, 2, 1]);
  assert.ok(transport.acknowledged.every(({ text }) => text.length <= 2_000 || !text.includes("\n")));
});

test("maxInFlight - bounds the messages in flight, and a flood of one table leaves room for the others", async () => {
  let release = Promise.withResolvers<void>();
  const both = Promise.withResolvers<void>();
  const { log, transport } = openFixture({
    maxInFlight: 2,
    maxBatchEvents: 1,
    answer: (_message, attempt) => {
      if (attempt === 2) both.resolve();
      return release.promise;
    },
  });
  for (let index = 0; index < 20; index += 1) log.thinking({ conversation_id: "c" });
  log.escalation({ urgency: "critical" });
  const flushed = log.flush();
  await both.promise;
  assert.equal(transport.attempts.length, 2);
  assert.equal(log.stats().inFlight, 2);
  assert.equal(log.stats().queued, 19);
  const first = release;
  release = Promise.withResolvers();
  first.resolve();
  release.resolve();
  await flushed;
  const order = transport.attempts.map(({ topic }) => topic);
  assert.ok(order.indexOf("agent-logs.escalation_logs") <= 2, order.join());
});

test("publish() - a failed message is sent again, the same bytes, until it is acknowledged", async () => {
  const { log, transport, errors } = openFixture({
    answer: async (_message, attempt) => {
      if (attempt < 3) throw new Error("unavailable");
    },
  });
  log.action({});
  log.action({});
  assert.deepEqual(await log.flush(), { acknowledged: 2, spooled: 0, outstanding: 0 });
  assert.equal(transport.attempts.length, 3);
  assert.deepEqual(transport.attempts[0], transport.attempts[2]);
  assert.equal(errors[0]!.error.code, "ERR_PUBLISH");
  assert.deepEqual(errors[0]!.about, { table: "action_logs", events: 2, refused: false });
  const { queued, inFlight, acknowledged, refused, queuedBytes } = log.stats();
  assert.deepEqual([queued, inFlight, acknowledged, refused, queuedBytes], [0, 0, 2, 0, 0]);
});

test("flush() - does not sit out the wait after a failure", async () => {
  const { log, transport } = openFixture({
    answer: async (_message, attempt) => {
      // The wait after so many failures lasts 15 s or more.
      if (attempt <= 12) throw new Error("unavailable");
    },
  });
  log.action({});
  // oxlint-disable-next-line no-await-in-loop
  while (transport.attempts.length < 12) await log.flush({ deadlineMs: 10 });
  assert.deepEqual(await log.flush({ deadlineMs: 10_000 }), { acknowledged: 1, spooled: 0, outstanding: 0 });
  assert.equal(transport.attempts.length, 13);
});

test("publish() - a topic that fails is tried with one message at a time and does not delay the others", async () => {
  let thinkingInFlight = 0;
  let mostThinkingInFlight = 0;
  const { log, transport } = openFixture({
    maxInFlight: 4,
    maxBatchEvents: 1,
    answer: async ({ topic }) => {
      if (!topic.endsWith("thinking_logs")) return;
      thinkingInFlight += 1;
      if (transport.attempts.length > 8) mostThinkingInFlight = Math.max(mostThinkingInFlight, thinkingInFlight);
      await new Promise((resolve) => setImmediate(resolve));
      thinkingInFlight -= 1;
      throw new Error("no such topic");
    },
  });
  for (let index = 0; index < 10; index += 1) log.thinking({ conversation_id: "c" });
  await log.flush({ deadlineMs: 1 });
  for (let index = 0; index < 10; index += 1) log.escalation({});
  const { outstanding } = await log.flush({ deadlineMs: 300 });
  assert.equal(outstanding, 10);
  assert.equal(transport.events("escalation_logs").length, 10);
  assert.ok(mostThinkingInFlight <= 1);
  await log.close({ deadlineMs: 0 });
});

test("publish() - a message that will never be taken is refused, reported and not sent again", async () => {
  const never = new IndelibleError("ERR_TOO_LARGE", "too large after all");
  const { log, transport, errors } = openFixture({ answer: () => Promise.reject(never) });
  log.action({});
  log.action({});
  assert.deepEqual(await log.flush(), { acknowledged: 0, spooled: 0, outstanding: 0 });
  assert.equal(transport.attempts.length, 1);
  assert.equal(errors[0]?.error.code, "ERR_TOO_LARGE");
  assert.deepEqual(
    errors.map(({ about }) => about),
    [{ table: "action_logs", events: 2, refused: true }],
  );
  assert.equal(log.stats().refused, 2);
});

test("publishDeadlineMs - an attempt without an answer is given up and repeated", async () => {
  const { log, transport, errors } = openFixture({
    publishDeadlineMs: 10,
    answer: (_message, attempt) => (attempt === 1 ? new Promise(() => {}) : Promise.resolve()),
  });
  log.action({});
  assert.deepEqual(await log.flush(), { acknowledged: 1, spooled: 0, outstanding: 0 });
  assert.equal(transport.attempts.length, 2);
  assert.equal(errors[0]!.error.code, "ERR_DEADLINE");
});

test("publish() - a transport that throws instead of rejecting is a failed attempt", async () => {
  let calls = 0;
  const { log } = openFixture({
    transport: {
      publish: () => {
        calls += 1;
        if (calls === 1) throw new Error("at once");
        return Promise.resolve("1");
      },
      close: () => Promise.resolve(),
    },
  });
  log.action({});
  assert.deepEqual(await log.flush(), { acknowledged: 1, spooled: 0, outstanding: 0 });
});

test("flush() - says at its deadline what is outstanding; sending goes on", async () => {
  const release = Promise.withResolvers<void>();
  const { log } = openFixture({
    answer: ({ topic }) => (topic.endsWith("action_logs") ? release.promise : Promise.resolve()),
  });
  log.mcpCall({ server_name: "s", tool_name: "t" });
  log.action({});
  log.action({});
  assert.deepEqual(await log.flush({ deadlineMs: 20 }), { acknowledged: 1, spooled: 0, outstanding: 2 });
  release.resolve();
  assert.deepEqual(await log.flush({ deadlineMs: Infinity }), { acknowledged: 3, spooled: 0, outstanding: 0 });
});

test("flush() - does not wait for what is logged after it was called", async () => {
  const { log } = openFixture({
    lingerMs: NEVER_MS,
    answer: ({ topic }) => (topic.endsWith("action_logs") ? Promise.resolve() : new Promise(() => {})),
  });
  log.action({});
  const flushed = log.flush();
  log.action({});
  log.mcpCall({ server_name: "s", tool_name: "t" });
  assert.deepEqual(await flushed, { acknowledged: 1, spooled: 0, outstanding: 0 });
  await log.close({ deadlineMs: 0 });
});

test("close() - flushes once, refuses what comes later, and leaves a transport that it was given open", async () => {
  const { log, transport, errors } = openFixture({ lingerMs: NEVER_MS });
  log.action({});
  const closing = log.close();
  assert.match(log.action({}), /^[\da-f-]{36}$/);
  assert.deepEqual(await closing, { acknowledged: 1, spooled: 0, outstanding: 0 });
  assert.deepEqual(await log.close(), { acknowledged: 1, spooled: 0, outstanding: 0 });
  assert.deepEqual(await log.flush(), { acknowledged: 1, spooled: 0, outstanding: 0 });
  assert.equal(transport.attempts.length, 1);
  assert.equal(transport.closes, 0);
  assert.equal(log.stats().refused, 1);
  assert.match(errors[0]!.error.message, /closed/);
});

test("close() - what is outstanding at the deadline is refused and reported, in flight or not", async () => {
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { log, errors } = openFixture({
    maxInFlight: 1,
    maxBatchEvents: 1,
    answer: () => {
      begun.resolve();
      return release.promise;
    },
  });
  for (let index = 0; index < 3; index += 1) log.action({});
  await begun.promise;
  assert.deepEqual(await log.close({ deadlineMs: 5 }), { acknowledged: 0, spooled: 0, outstanding: 3 });
  assert.deepEqual(
    errors.map(({ about }) => about.events),
    [1, 1],
  );
  const settled = log.flush();
  release.reject(new Error("connection lost"));
  await settled;
  const { queued, inFlight, acknowledged, refused, queuedBytes } = log.stats();
  assert.deepEqual([queued, inFlight, acknowledged, refused, queuedBytes], [0, 0, 0, 3, 0]);
});

test("Publisher - whatever the transport does, every event is acknowledged or refused and counted once", async () => {
  const outcome = fc.constantFrom("acknowledged", "failed", "failed but stored", "refused");
  const step = fc.constantFrom("action", "thinking", "flush");
  const never = new IndelibleError("ERR_CONFIG", "never");
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.array(outcome, { maxLength: 6 }),
      async (steps, outcomes) => {
        const remaining = [...outcomes];
        const stored = new Set<unknown>();
        const { log } = openFixture({
          maxBatchEvents: 3,
          maxInFlight: 2,
          onError: () => {},
          answer: async (message) => {
            const next = remaining.shift();
            if (next === "refused") throw never;
            if (next !== "failed") for (const { log_id } of eventsOf(message)) stored.add(log_id);
            if (next?.startsWith("failed")) throw new Error(next);
          },
        });
        const logged: string[] = [];
        for (const name of steps) {
          if (name === "action") logged.push(log.action({}));
          else if (name === "thinking") logged.push(log.thinking({ conversation_id: "c" }));
          else void log.flush();
        }
        // A flush ends the wait after a failure, so that the test need not sit it out; how many it takes is the machine's affair.
        // oxlint-disable-next-line no-await-in-loop
        while ((await log.flush({ deadlineMs: 2 })).outstanding > 0);
        const { queued, inFlight, acknowledged, refused, queuedBytes } = log.stats();
        assert.deepEqual({ queued, inFlight, queuedBytes }, { queued: 0, inFlight: 0, queuedBytes: 0 });
        assert.equal(acknowledged + refused, logged.length);
        const found = logged.filter((logId) => stored.has(logId)).length;
        assert.ok(found >= acknowledged && stored.size === found);
        await log.close();
      },
    ),
    { numRuns: 60 },
  );
});
