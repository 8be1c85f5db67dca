/** More events than can be taken: what is refused, what is told, and that it is taken again afterwards. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import type { ErrorContext } from "@indelible/publisher";
import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertAddsUp } from "./accounting.ts";
import { eventsOf, openFixture, type Fixture } from "./recording-transport.ts";
import { filesIn, temporaryFolder } from "./spool/folder.ts";
import "./warm-background.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An answer that fails until `open()` is called. */
function gate(): { readonly answer: () => Promise<void>; open(): void } {
  let isOpen = false;
  return {
    answer: async () => {
      if (!isOpen) throw new Error("down");
    },
    open: () => (isOpen = true),
  };
}

function logIdsIn({ transport }: Fixture): unknown[] {
  return transport.acknowledged.flatMap(eventsOf).map(({ log_id }) => log_id);
}

describe("without a spool", () => {
  test("refused events are counted by table, and told at most once a second for each table and code", async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const told: { readonly code: string; readonly about: ErrorContext }[] = [];
    const { log } = openFixture({
      maxQueuedBytes: 20_000,
      onError: ({ code }: IndelibleError, about: ErrorContext) => told.push({ code, about }),
    });
    for (let index = 0; index < 100; index += 1) {
      log.action({ action_target: "x".repeat(200) });
      log.mcpCall({ server_name: "s", tool_name: "t", result_summary: "x".repeat(200) });
      if (index % 10 === 0) log.action({ cost_usd: Number.NaN });
    }
    const { refused, refusedByTable, queuedBytes } = log.stats();
    assertAddsUp(log, 210);
    assert.ok(queuedBytes <= 20_000);
    assert.deepEqual(told.map(({ code, about }) => `${about.table} ${code} ${about.refused}`).toSorted(), [
      "action_logs ERR_QUEUE_FULL true",
      "action_logs ERR_UNSERIALIZABLE true",
      "mcp_usage_logs ERR_QUEUE_FULL true",
    ]);
    context.mock.timers.tick(1_000);
    assert.equal(told.length, 6);
    const sumOf = (table: string): number =>
      told.reduce((sum, { about }) => sum + (about.table === table ? about.events : 0), 0);
    assert.deepEqual(refusedByTable, { action_logs: sumOf("action_logs"), mcp_usage_logs: sumOf("mcp_usage_logs") });
    assert.equal(sumOf("action_logs") + sumOf("mcp_usage_logs"), refused);
  });
});

test("without a spool - memory keeps its bound also where messages are larger than what they are made of", async () => {
  const maxQueuedBytes = 1_000_000;
  const { answer, open } = gate();
  const { log, transport } = openFixture({
    maxQueuedBytes,
    maxBatchBytes: 50_000,
    // In memory a text has two bytes for each of its characters, in a message three.
    compression: "none",
    answer: async () => {
      assert.ok(log.stats().queuedBytes <= maxQueuedBytes);
      await answer();
    },
  });
  for (let index = 0; index < 600; index += 1) log.action({ action_target: "€".repeat(1_000) });
  const { refused } = log.stats();
  assert.ok(refused > 0);
  for (let flushes = 0; flushes < 10; flushes += 1) {
    await log.flush({ deadlineMs: 50 });
    assert.ok(log.stats().queuedBytes <= maxQueuedBytes, `${log.stats().queuedBytes} bytes`);
  }
  open();
  await log.close();
  assert.equal(transport.events("action_logs").length, 600 - refused);
  assertAddsUp(log, 600);
});

describe("with a spool", () => {
  test("200 MB are taken while Pub/Sub is down, in bounded memory, and all of them arrive", async (context) => {
    const directory = temporaryFolder(context);
    const maxQueuedBytes = 1024 * 1024;
    const { answer, open } = gate();
    const fixture = openFixture({ spool: { directory }, maxQueuedBytes, answer, onError: () => {} });
    const { log } = fixture;
    const logIds: string[] = [];
    const thinking_content = "He did not know what to think of it. ".repeat(270);
    const rssBefore = process.memoryUsage.rss();
    let mostBytes = 0;
    while (log.stats().spooledBytes < 200_000_000) {
      for (let index = 0; index < 100; index += 1) {
        logIds.push(log.thinking({ conversation_id: "c", thinking_content, step_number: index }));
        mostBytes = Math.max(mostBytes, log.stats().queuedBytes);
      }
      await turn();
    }
    const rssGrowth = process.memoryUsage.rss() - rssBefore;
    context.diagnostic(`RSS grew by ${Math.round(rssGrowth / 2 ** 20)} MB; at most ${mostBytes} bytes were queued`);
    assert.ok(mostBytes <= maxQueuedBytes, `${mostBytes} bytes`);
    assert.equal(log.stats().refused, 0);
    assertAddsUp(log, logIds.length);
    open();
    assert.deepEqual(await log.flush({ deadlineMs: 60_000 }), {
      acknowledged: logIds.length,
      spooled: 0,
      outstanding: 0,
    });
    assert.deepEqual(logIdsIn(fixture).toSorted(), logIds);
    await log.close();
    assert.deepEqual(filesIn(directory), []);
  });

  test("maxBytes refuses with ERR_QUEUE_FULL, and events are taken again when there is room", async (context) => {
    const directory = temporaryFolder(context);
    const { answer, open } = gate();
    const fixture = openFixture({ spool: { directory, maxBytes: 50_000 }, answer });
    const { log, errors } = fixture;
    for (let index = 0; index < 30; index += 1) {
      for (let each = 0; each < 10; each += 1) log.action({ action_target: "x".repeat(500) });
      await turn();
      assert.ok(log.stats().spooledBytes <= 50_000);
      assertAddsUp(log, (index + 1) * 10);
    }
    const { refused } = log.stats();
    assert.ok(refused > 200 && refused < 300);
    assert.ok(errors.some(({ error, about }) => error.code === "ERR_QUEUE_FULL" && about.refused));
    open();
    await log.flush();
    assert.equal(log.stats().spooledBytes, 0);
    const last = log.action({});
    await log.close();
    assert.equal(log.stats().acknowledged, 300 - refused + 1);
    assert.ok(logIdsIn(fixture).includes(last));
  });

  test("a disk that is full refuses, harms nobody, and events are taken again when there is room", async (context) => {
    const disk = smallDisk(context);
    if (disk === undefined) {
      context.skip("a small file system cannot be mounted here");
      return;
    }
    const { answer, open } = gate();
    const fixture = openFixture({ spool: { directory: join(disk, "spool") }, answer, maxBatchBytes: 50_000 });
    const { log, errors } = fixture;
    let logged = 0;
    const logSome = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1) log.action({ action_target: "x".repeat(500) });
      logged += 20;
      await turn();
      assertAddsUp(log, logged);
    };
    while (log.stats().refused < 500) await logSome();
    assert.ok(errors.some(({ error, about }) => error.code === "ERR_SPOOL" && about.refused));
    assert.match(errors.find(({ error }) => error.code === "ERR_SPOOL")!.error.message, /ENOSPC/);
    open();
    await log.flush();
    const { refused, acknowledged } = log.stats();
    assert.equal(acknowledged, logged - refused);
    await logSome();
    await log.close();
    assertAddsUp(log, logged);
    assert.equal(log.stats().refused, refused);
  });

  test("a directory that is removed meanwhile is told, what memory holds is sent, and nothing hangs or throws", async (context) => {
    const directory = join(temporaryFolder(context), "spool");
    const { answer, open } = gate();
    const fixture = openFixture({
      spool: { directory },
      answer,
      maxQueuedBytes: 100_000,
      maxBatchEvents: 5,
      onError: (error, about) => void fixture.errors.push({ error, about }),
    });
    const { log, errors } = fixture;
    for (let index = 0; index < 500; index += 1) log.action({ action_target: "x".repeat(500) });
    await turn();
    assert.ok(log.stats().spooledBytes > 200_000);
    rmSync(directory, { recursive: true });
    open();
    await log.flush();
    assertAddsUp(log, 500);
    const { acknowledged, refused, queued, inFlight } = log.stats();
    assert.deepEqual([queued, inFlight], [0, 0]);
    assert.ok(acknowledged > 0 && refused > 0);
    assert.equal(new Set(logIdsIn(fixture)).size, acknowledged);
    const gone = errors.find(({ error }) => error.code === "ERR_SPOOL_DAMAGED");
    assert.match(gone!.error.message, /is gone/);
    assert.equal(gone!.about.refused, true);
    // What comes now cannot be kept, and says so; the calls go on.
    for (let index = 0; index < 10; index += 1) {
      log.mcpCall({ server_name: "s", tool_name: "t" });
      await turn();
    }
    assertAddsUp(log, 510);
    assert.ok(errors.some(({ error, about }) => error.code === "ERR_SPOOL" && about.table === "mcp_usage_logs"));
    await log.close();
    assertAddsUp(log, 510);
    assert.equal(existsSync(directory), false);
  });

  test("onError may log when a disk is full, and each of its events is in one place as well", async (context) => {
    const disk = smallDisk(context);
    if (disk === undefined) {
      context.skip("a small file system cannot be mounted here");
      return;
    }
    let logged = 0;
    const { log } = openFixture({
      spool: { directory: join(disk, "spool") },
      answer: () => new Promise(() => {}),
      maxBatchEvents: 3,
      onError: () => {
        logged += 1;
        log.action({ action_target: "of onError" });
        assertAddsUp(log, logged);
      },
    });
    while (log.stats().refused < 500) {
      for (let index = 0; index < 20; index += 1) {
        logged += 1;
        log.action({ action_target: "x".repeat(500) });
      }
      await turn();
      assertAddsUp(log, logged);
    }
    await log.close({ deadlineMs: 0 });
    assertAddsUp(log, logged);
  });
});

/** A file system of 1 MB; undefined where none can be mounted. */
function smallDisk(context: TestContext): string | undefined {
  const path = mkdtempSync(join(tmpdir(), "indelible-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    rmSync(path, { recursive: true });
    return undefined;
  }
  context.after(() => {
    execFileSync("umount", ["--lazy", path]);
    rmSync(path, { recursive: true });
  });
  return path;
}
