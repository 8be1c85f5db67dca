/** What flush() and close() say, and what they leave behind. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import fc from "fast-check";
import { assertAddsUp, assertFlushAddsUp } from "./accounting.ts";
import { eventsOf, openFixture } from "./recording-transport.ts";
import { filesIn, temporaryFolder } from "./spool/folder.ts";
import "./warm-background.ts";

const never = (): Promise<never> => new Promise(() => {});
/** Each step of a group that captures takes stack, which the text exhausts, so that redaction fails on it. */
const greedy = {
  patterns: [{ kind: "greedy", pattern: new RegExp(`^${"(".repeat(100)}x|y${")".repeat(100)}*z`) }],
};
const unredactable = "xy".repeat(100_000);

describe("flush()", () => {
  for (const hasSpool of [false, true]) {
    const where = hasSpool ? "with a spool" : "without a spool";
    const optionsOf = (context: { after(work: () => void): void }): object =>
      hasSpool ? { spool: { directory: temporaryFolder(context) } } : {};

    test(`is bounded by its deadline when the transport never settles, ${where}`, async (context) => {
      const { log } = openFixture({ ...optionsOf(context), answer: never });
      for (let index = 0; index < 10; index += 1) log.action({});
      const result = await log.flush({ deadlineMs: 20 });
      assert.deepEqual(result, { acknowledged: 0, spooled: hasSpool ? 10 : 0, outstanding: hasSpool ? 0 : 10 });
      assertFlushAddsUp(log, result, 10);
      assertFlushAddsUp(log, await log.close({ deadlineMs: 20 }), 10);
    });

    test(`counts what was held back once, while its neighbours wait and when they cannot be sent, ${where}`, async (context) => {
      let isUp = false;
      const heldBack = Promise.withResolvers<void>();
      const { log, transport } = openFixture({
        ...optionsOf(context),
        redaction: greedy,
        onError: ({ code }) => {
          if (code === "ERR_REDACTION") heldBack.resolve();
        },
        answer: async () => {
          if (!isUp) throw new Error("down");
        },
      });
      log.action({ action_target: "a" });
      log.action({ action_target: unredactable });
      log.action({ action_target: "b" });
      await heldBack.promise;
      const waiting = await log.flush({ deadlineMs: 20 });
      const { rejected, refused } = log.stats();
      assert.deepEqual([rejected, refused], hasSpool ? [1, 0] : [0, 1]);
      assertAddsUp(log, 3);
      assertFlushAddsUp(log, waiting, 3);
      isUp = true;
      assert.deepEqual(await log.flush(), { acknowledged: 2, spooled: 0, outstanding: 0 });
      assertAddsUp(log, 3);
      const never = new IndelibleError("ERR_MESSAGE_REFUSED", "never");
      transport.answer = () => Promise.reject(never);
      log.action({ action_target: unredactable });
      log.action({ action_target: "c" });
      await log.flush();
      assertAddsUp(log, 5);
      assert.equal(log.stats().rejected + log.stats().refused, 3);
      await log.close();
      assertAddsUp(log, 5);
    });
  }

  test("whatever happens, it says of each event that was logged before what became of it", async (context) => {
    const directory = temporaryFolder(context);
    const step = fc.constantFrom("log", "invalid", "unredactable", "flush", "down", "up", "refuse", "tick");
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.boolean(), async (steps, hasSpool) => {
        let logged = 0;
        let state = "up";
        const { log } = openFixture({
          ...(hasSpool ? { spool: { directory: join(directory, String((runs += 1))) } } : {}),
          redaction: greedy,
          maxBatchEvents: 3,
          onError: () => assertAddsUp(log, logged),
          answer: async () => {
            assertAddsUp(log, logged);
            if (state === "down") throw new Error("down");
            if (state === "refuse") throw new IndelibleError("ERR_MESSAGE_REFUSED", "never");
          },
        });
        for (const name of steps) {
          if (name === "flush") assertFlushAddsUp(log, await log.flush({ deadlineMs: 5 }), logged);
          else if (name === "tick") await new Promise((resolve) => setImmediate(resolve));
          else if (name === "down" || name === "up" || name === "refuse") state = name;
          else {
            logged += 1;
            const cost_usd = name === "invalid" ? Number.NaN : 1;
            log.action({ action_target: name === "unredactable" ? unredactable : "x", cost_usd });
          }
          assertAddsUp(log, logged);
        }
        state = "up";
        const result = await log.close();
        assertAddsUp(log, logged);
        assertFlushAddsUp(log, result, logged);
        assertFlushAddsUp(log, await log.flush(), logged);
      }),
      { numRuns: 40 },
    );
  });
});

describe("close()", () => {
  test("with a spool, what is outstanding is left in it and still counted, and the next publisher sends it", async (context) => {
    const directory = temporaryFolder(context);
    const { log } = openFixture({ spool: { directory }, answer: never, maxBatchEvents: 2, maxInFlight: 1 });
    const logIds = Array.from({ length: 5 }, () => log.action({}));
    assert.deepEqual(await log.close({ deadlineMs: 20 }), { acknowledged: 0, spooled: 5, outstanding: 0 });
    assertAddsUp(log, 5);
    assert.equal(log.stats().queued + log.stats().inFlight, 5);
    const next = openFixture({ spool: { directory } });
    assert.deepEqual(await next.log.flush(), { acknowledged: 5, spooled: 0, outstanding: 0 });
    assert.equal(next.log.stats().adopted, 5);
    assertAddsUp(next.log, 0);
    assert.deepEqual(
      next.transport
        .events("action_logs")
        .map(({ log_id }) => log_id)
        .toSorted(),
      logIds,
    );
    await next.log.close();
    assert.deepEqual(filesIn(directory), []);
  });

  test("called twice, and from onError, does once what it does and gives one result", async () => {
    const closings: Promise<unknown>[] = [];
    const { log } = openFixture({ onError: () => closings.push(log.close()) });
    log.action({});
    log.action({ cost_usd: Number.NaN });
    const closing = log.close();
    log.action({});
    assert.equal(log.close(), closing);
    const result = await closing;
    assert.deepEqual(
      await Promise.all(closings),
      closings.map(() => result),
    );
    assert.deepEqual(result, { acknowledged: 1, spooled: 0, outstanding: 0 });
    assertAddsUp(log, 3);
    // The thread is there for the others still: nobody has given it up twice.
    const other = openFixture();
    other.log.action({});
    assert.equal((await other.log.close()).acknowledged, 1);
  });

  test("events that are logged while it is at work are refused with ERR_CLOSED, and counted", async () => {
    const { log, errors } = openFixture({ answer: () => new Promise((resolve) => setImmediate(resolve)) });
    log.action({});
    const closing = log.close();
    assert.equal(typeof log.action({}), "string");
    assert.equal(typeof log.conversation.start().end(), "string");
    await closing;
    log.action({});
    assert.deepEqual(new Set(errors.map(({ error }) => error.code)), new Set(["ERR_CLOSED"]));
    assert.equal(log.stats().refused, 4);
    assertAddsUp(log, 5);
  });

  test("what a dead process left and this one could not send stays where it is, and is counted", async (context) => {
    const directory = temporaryFolder(context);
    const dead = openFixture({ spool: { directory }, answer: never });
    dead.log.action({});
    await dead.log.close({ deadlineMs: 0 });
    const second = openFixture({ spool: { directory }, answer: never });
    second.log.action({});
    assert.deepEqual(await second.log.close({ deadlineMs: 50 }), { acknowledged: 0, spooled: 2, outstanding: 0 });
    assertAddsUp(second.log, 1);
    const third = openFixture({ spool: { directory } });
    assert.equal((await third.log.close()).acknowledged, 2);
  });

  test("a pack that will never be taken is kept in the folder of rejected events, each of them once", async (context) => {
    const directory = temporaryFolder(context);
    const { log, errors } = openFixture({
      spool: { directory },
      redaction: greedy,
      answer: () => Promise.reject(new IndelibleError("ERR_MESSAGE_REFUSED", "never")),
    });
    for (const action_target of ["a", unredactable, "b"]) log.action({ action_target });
    assert.deepEqual(await log.close(), { acknowledged: 0, spooled: 0, outstanding: 0 });
    assert.equal(log.stats().rejected, 3);
    assertAddsUp(log, 3);
    const [path] = filesIn(directory);
    const kept = readFileSync(join(directory, path!), "utf8").trimEnd().split("\n");
    assert.deepEqual(kept.map((line) => (JSON.parse(line) as { code: string }).code).toSorted(), [
      "ERR_MESSAGE_REFUSED",
      "ERR_MESSAGE_REFUSED",
      "ERR_REDACTION",
    ]);
    assert.ok(errors.every(({ about }) => about.refused));
  });
});

test("attempts after close() - one that succeeds late is counted as acknowledged, and not as left on disk", async (context) => {
  const release = Promise.withResolvers<void>();
  const { log, transport } = openFixture({
    spool: { directory: temporaryFolder(context) },
    answer: () => release.promise,
  });
  log.action({});
  assert.deepEqual(await log.close({ deadlineMs: 20 }), { acknowledged: 0, spooled: 1, outstanding: 0 });
  if (transport.attempts.length === 0) return;
  release.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  assertAddsUp(log, 1);
  assert.equal(eventsOf(transport.acknowledged[0]!).length, 1);
});
