import assert from "node:assert/strict";
import { test } from "node:test";
import { Background, background, Stuck } from "@indelible/publisher/background/background.ts";
import type { PrepareRequest } from "@indelible/publisher/background/protocol.ts";
import { Counts } from "@indelible/publisher/counts.ts";
import { Pack } from "@indelible/publisher/pack.ts";
import { Preparer } from "@indelible/publisher/preparer.ts";
import { Rejections } from "@indelible/publisher/rejections.ts";
import { Reports } from "@indelible/publisher/reports.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { runHost } from "./host.ts";

/** Takes longer than the universe has been there on the text that it is tried with. */
const endless = /^(?:a+)+$/;
const culprit = `{"action_target":"${"a".repeat(60)}!"}`;

function request(lines: readonly string[], patterns: readonly RegExp[] = []): PrepareRequest & { kind: "prepare" } {
  return {
    kind: "prepare",
    table: "action_logs",
    lines: { bytes: Buffer.from(lines.map((line) => `${line}\n`).join(""), "utf16le") },
    isSpooled: false,
    held: new Map(),
    settings: {
      id: patterns.length,
      redaction: { patterns: patterns.map((pattern) => ({ kind: "own", pattern })) },
      compression: "none",
    },
  };
}

test("call() - a pattern that never ends is found with its line; what else was under way can be tried again, and succeeds", async () => {
  const background = new Background();
  background.open();
  const stuck = background.call(request(["{}", culprit], [endless]), "ERR_REDACTION", 700);
  const other = background.call(request(["{}"]), "ERR_REDACTION", 700);
  await assert.rejects(stuck, (error) => error instanceof Stuck && error.line === 1);
  await assert.rejects(other, (error) => IndelibleError.is(error) && error.retryable);
  const { data } = await background.call(request(["{}"]), "ERR_REDACTION");
  assert.equal(Buffer.from(data).toString(), "{}");
  await background.close();
});

test("prepare() - the event that a pattern does not get through is held back and reported, its neighbours are sent", async () => {
  background.open();
  const counts = new Counts();
  const codes: string[] = [];
  const reports = new Reports(({ code }) => codes.push(code));
  const preparer = new Preparer({
    settings: request([], [endless]).settings,
    spool: undefined,
    rejections: new Rejections(undefined, counts, reports),
    counts,
    reports,
    lookEveryMs: 700,
  });
  const pack = new Pack("action_logs", undefined);
  for (const line of ['{"action_target":"b"}', culprit, '{"action_target":"c"}']) pack.add(line, 1_000_000);
  const { data, events } = await preparer.prepare(pack);
  assert.equal(Buffer.from(data).toString(), '{"action_target":"b"}\n{"action_target":"c"}');
  assert.equal(events, 2);
  assert.equal(counts.refused, 1);
  assert.ok(codes.includes("ERR_REDACTION"));
  await background.close();
});

test("close() - ends the thread with its last user, and the next call starts another", async () => {
  const background = new Background();
  background.open();
  background.open();
  await background.call(request(["{}"]), "ERR_REDACTION");
  await background.close();
  await background.call(request(["{}"]), "ERR_REDACTION");
  await background.close();
  background.open();
  await background.call(request(["{}"]), "ERR_REDACTION");
  await background.close();
});

test("call() - starts no thread when the last user is gone, for nobody would end it", async () => {
  const background = new Background();
  await assert.rejects(background.call(request(["{}"]), "ERR_REDACTION"), { code: "ERR_CLOSED" });
  background.open();
  await background.call(request(["{}"]), "ERR_REDACTION");
  await background.close();
  await assert.rejects(background.call(request(["{}"]), "ERR_REDACTION"), { code: "ERR_CLOSED" });
});

test("host - where threads are not permitted, the same work is done without", async () => {
  const printed = await runHost(
    `const messages = [];
     const transport = {
       publish: (topic, data, attributes) => Promise.resolve(String(messages.push([topic, attributes.encoding]))),
       close: () => Promise.resolve(),
     };
     const inline = createPublisher({ ...options, projectId: undefined, transport });
     inline.action({ action_target: "x" });
     const { acknowledged } = await inline.flush();
     console.log(acknowledged, messages.join(), [...codes].join());`,
    {},
    { execArgv: ["--permission", "--allow-fs-read=*"] },
  );
  assert.equal(printed, "1 agent-logs.action_logs,zstd");
});

test("host - a thread that ends by itself is started again, and nothing is lost", async () => {
  const printed = await runHost(
    `import { Worker } from "node:worker_threads";
     const workers = [];
     const { postMessage } = Worker.prototype;
     Worker.prototype.postMessage = function (...args) {
       if (!workers.includes(this)) workers.push(this);
       return postMessage.apply(this, args);
     };
     const messages = [];
     const transport = {
       publish: (topic, data) => Promise.resolve(String(messages.push(topic))),
       close: () => Promise.resolve(),
     };
     const sturdy = createPublisher({ ...options, projectId: undefined, transport });
     sturdy.action({});
     await sturdy.flush();
     sturdy.action({});
     const flushed = sturdy.flush();
     setImmediate(() => workers[0].terminate());
     console.log(JSON.stringify(await flushed), workers.length);`,
    {},
  );
  const [result, workers] = printed.split(" ");
  assert.deepEqual(JSON.parse(result!), { acknowledged: 2, spooled: 0, outstanding: 0 });
  assert.ok(Number(workers) <= 2);
});
