/** Redaction from the call to the transport: no secret leaves the process, whatever way its event goes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Publisher } from "@indelible/publisher";
import { assertAddsUp } from "./accounting.ts";
import { runScript } from "./host.ts";
import { openFixture, type RecordingTransport } from "./recording-transport.ts";
import { samples } from "./redaction/secrets.ts";
import { filesIn, temporaryFolder } from "./spool/folder.ts";

/** An event for each sample, with the secret in a text, deep within JSON, in a key, and beside texts that have none. */
function logSecrets(log: Publisher): void {
  const conversation = log.conversation.start();
  for (const { text } of samples) {
    log.action({ action_target: text, action_details: { deep: [{ within: `before ${text} after` }] } });
    conversation.thinking({ thinking_content: text });
    log.action({ action_details: { [text]: 1, json: JSON.stringify({ text }) } });
    log.action({ action_target: "nothing to hide" });
  }
  log.action.start({ action_target: samples[0]!.text }).end({ error_message: samples[1]!.text });
}

const loggedEvents = 1 + 4 * samples.length + 2;

function assertSecretsAreKept(transport: RecordingTransport): void {
  assert.ok(transport.attempts.length > 0);
  for (const { text } of transport.attempts) {
    for (const { kind, secret } of samples) {
      // As it would stand in JSON.
      assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), `a secret of kind ${kind} left the process`);
    }
  }
}

const settings = { onError: () => {}, maxBatchEvents: 20 };

describe("a secret in an event - never reaches the transport, and is counted", () => {
  test("in memory, also when the message is sent again", async () => {
    const { log, transport } = openFixture({
      ...settings,
      answer: async (_message, attempt) => {
        if (attempt < 4) throw new Error("down");
      },
    });
    logSecrets(log);
    assert.equal((await log.flush()).acknowledged, loggedEvents);
    assertSecretsAreKept(transport);
    const found = Object.values(log.stats().redacted).reduce((sum, count) => sum + count, 0);
    assert.ok(found >= 4 * samples.length + 2, `${found} were found`);
    await log.close();
    assert.equal(
      Object.values(log.stats().redacted).reduce((sum, count) => sum + count, 0),
      found,
    );
  });

  test("in a spool, also when the message is made again from disk, and counted once", async (context) => {
    let isUp = false;
    const { log, transport } = openFixture({
      ...settings,
      spool: { directory: temporaryFolder(context) },
      // So little that what waits is only on disk.
      maxQueuedBytes: 20_000,
      answer: async () => {
        if (!isUp) throw new Error("down");
      },
    });
    logSecrets(log);
    await log.flush({ deadlineMs: 200 });
    isUp = true;
    assert.equal((await log.flush()).acknowledged, loggedEvents);
    assertSecretsAreKept(transport);
    const inMemory = openFixture(settings);
    logSecrets(inMemory.log);
    await inMemory.log.close();
    assert.deepEqual(log.stats().redacted, inMemory.log.stats().redacted);
    await log.close();
  });

  test("left by a process that was killed, and sent by another one", async (context) => {
    const directory = temporaryFolder(context);
    const killed = runScript(
      `import { createPublisher } from "@indelible/publisher";
       import { samples } from "./test/publisher/redaction/secrets.ts";
       const transport = { publish: () => new Promise(() => {}), close: async () => {} };
       const agent = { businessId: "acme", agentPosition: "CFO" };
       const log = createPublisher({ ...agent, transport, spool: { directory: process.env.SPOOL } });
       for (const { text } of samples) log.action({ action_target: text, action_details: { deep: [text] } });
       setImmediate(() => process.kill(process.pid, "SIGKILL"));`,
      { SPOOL: directory },
    );
    await assert.rejects(killed, { signal: "SIGKILL" });
    const { log, transport } = openFixture({ ...settings, spool: { directory } });
    assert.equal((await log.flush()).acknowledged, samples.length);
    assertSecretsAreKept(transport);
    assert.ok(Object.values(log.stats().redacted).reduce((sum, count) => sum + count, 0) >= 2 * samples.length);
    await log.close();
  });

  test("in a process that may have no thread", async () => {
    const printed = await runScript(
      `import { createPublisher } from "@indelible/publisher";
       import { samples } from "./test/publisher/redaction/secrets.ts";
       let text = "";
       const transport = { publish: async (_topic, data) => String((text += data)), close: async () => {} };
       const agent = { businessId: "acme", agentPosition: "CFO" };
       const log = createPublisher({ ...agent, transport, compression: "none" });
       for (const { text } of samples) log.action({ action_target: text });
       await log.close();
       console.log(samples.filter(({ secret }) => text.includes(secret)).length, text.includes("REDACTED"));`,
      {},
      ["--permission", "--allow-fs-read=*"],
    );
    assert.equal(printed, "0 true");
  });
});

describe("an own pattern that never ends", { concurrency: 2 }, () => {
  for (const hasSpool of [false, true]) {
    test(`holds back its event only, and not the agent's thread, ${hasSpool ? "with" : "without"} a spool`, async (context) => {
      const directory = hasSpool ? temporaryFolder(context) : undefined;
      const printed = await runScript(
        `import { createPublisher } from "@indelible/publisher";
         const sent = [];
         const transport = { publish: async (_topic, data) => String(sent.push(...data.toString().split("\\n"))), close: async () => {} };
         const agent = { businessId: "acme", agentPosition: "CFO", compression: "none" };
         const spool = process.env.SPOOL === undefined ? {} : { spool: { directory: process.env.SPOOL } };
         const redaction = { patterns: [{ kind: "own", pattern: /^(a+)+$/ }] };
         const codes = [];
         const log = createPublisher({ ...agent, ...spool, transport, redaction, onError: ({ code }) => codes.push(code) });
         for (const action_target of ["first", "a".repeat(100) + "!", "last"]) log.action({ action_target });
         let turns = 0;
         const ticking = setInterval(() => (turns += 1), 10);
         const { acknowledged } = await log.flush({ deadlineMs: 25_000 });
         clearInterval(ticking);
         const { rejected, refused } = log.stats();
         await log.close();
         console.log(JSON.stringify({
           acknowledged, rejected, refused, codes, isFree: turns > 100,
           targets: sent.map((line) => JSON.parse(line).action_target),
         }));`,
        directory === undefined ? {} : { SPOOL: directory },
      );
      assert.deepEqual(JSON.parse(printed), {
        acknowledged: 2,
        rejected: hasSpool ? 1 : 0,
        refused: hasSpool ? 0 : 1,
        codes: ["ERR_REDACTION"],
        isFree: true,
        targets: ["first", "last"],
      });
      if (directory === undefined) return;
      const [path] = filesIn(directory);
      const kept = JSON.parse(readFileSync(join(directory, path!), "utf8")) as { event: { action_target: string } };
      assert.match(path!, /^rejected\//);
      assert.match(kept.event.action_target, /^a+!$/);
    });
  }
});

const tooLarge: { readonly [what: string]: object } = {
  "that is too large for Pub/Sub": { json: "x".repeat(9_600_000) },
  "that redaction makes too large": Array.from({ length: 450_000 }, () => ({ pin: "1" })),
};

for (const [what, action_details] of Object.entries(tooLarge)) {
  for (const hasSpool of [false, true]) {
    test(`an event ${what} is ${hasSpool ? "kept in the folder of rejected ones" : "refused"}`, async (context) => {
      const directory = temporaryFolder(context);
      const { log, transport, errors } = openFixture({
        ...(hasSpool ? { spool: { directory } } : {}),
        redaction: { keys: ["pin"] },
      });
      log.action({ action_target: "a" });
      log.action({ action_details: action_details as never });
      log.action({ action_target: "b" });
      await log.close();
      const { acknowledged, rejected, refused } = log.stats();
      assert.deepEqual([acknowledged, rejected, refused], [2, hasSpool ? 1 : 0, hasSpool ? 0 : 1]);
      assertAddsUp(log, 3);
      assert.equal(errors[0]!.error.code, "ERR_TOO_LARGE");
      assert.equal(transport.events("action_logs").length, 2);
      const [path, ...others] = filesIn(directory);
      assert.deepEqual(others, []);
      if (!hasSpool) return;
      const { code } = JSON.parse(readFileSync(join(directory, path!), "utf8")) as { code: string };
      assert.equal(code, "ERR_TOO_LARGE");
    });
  }
}
