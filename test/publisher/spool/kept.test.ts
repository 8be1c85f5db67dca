/** What is kept in `rejected`: for people and for `indelible emit`, so it has to be the very event. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { Spool, type Rejection } from "@indelible/publisher/spool/spool.ts";
import { bytesIn, temporaryFolder } from "./folder.ts";

const rejection = (event: string): Rejection => ({ table: "action_logs", code: "ERR_TOO_LARGE", message: "é", event });

function linesOf(spool: Spool): string[] {
  const [name, ...more] = readdirSync(join(spool.directory, "rejected"));
  assert.deepEqual(more, []);
  const text = readFileSync(join(spool.directory, "rejected", name!), "utf8");
  assert.ok(text.endsWith("\n"));
  return text.slice(0, -1).split("\n");
}

const eventOf = (line: string): unknown => (JSON.parse(line) as { event: unknown }).event;

test("keepRejected() - a line says what was rejected, why and when, with the event as it was", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  await spool.keepRejected(rejection('{"n":9007199254740993,"z":-0,"a":1.50}'));
  const [line] = linesOf(spool);
  assert.match(
    line!,
    /^\{"table":"action_logs","code":"ERR_TOO_LARGE","message":"é","at":"\d{4}-\d\d-\d\dT[\d:.]+Z","event":\{"n":9007199254740993,"z":-0,"a":1\.50\}\}$/,
  );
  assert.equal(spool.bytes, bytesIn(spool.directory));
  spool.close();
});

test("keepRejected() - of any text one line is made, which holds the text or, if that is JSON, its value", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  const events: string[] = [
    '{"torn":',
    "",
    '{\r\n  "a": [\n1]\n}',
    '"\ud800"',
    "\ud800",
    '"\\ud800"',
    "a\nb",
    '{"a":1}x',
  ];
  for (const event of events) spool.keepRejectedSync(rejection(event));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string({ unit: "binary" }), fc.json()), async (event) => {
      events.push(event);
      await spool.keepRejected(rejection(event));
    }),
  );
  const lines = linesOf(spool);
  assert.equal(lines.length, events.length);
  for (const [index, event] of events.entries()) {
    let expected: unknown = event;
    try {
      if (event.isWellFormed()) expected = JSON.parse(event);
    } catch {
      // Not JSON: kept as a text.
    }
    assert.deepEqual(eventOf(lines[index]!), expected);
  }
  spool.close();
});

test("keepRejected() - many at once are as many lines", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  const events = Array.from({ length: 50 }, (_, index) => `"${index}${"x".repeat(index * 1_000)}"`);
  const kept = events.map((event) => spool.keepRejected(rejection(event)));
  spool.keepRejectedSync(rejection('"sync"'));
  await Promise.all(kept);
  const values = [...events, '"sync"'].map((event) => JSON.parse(event) as string);
  assert.deepEqual(
    linesOf(spool)
      .map((line) => eventOf(line))
      .sort(),
    values.sort(),
  );
  spool.close();
});

test("keepRejectedSync() - is bounded by maxBytes; keepRejected(), whose events leave a segment, is only counted", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context), maxBytes: 200 });
  spool.keepRejectedSync(rejection("1"));
  assert.throws(() => spool.keepRejectedSync(rejection('"a longer one"')), { code: "ERR_QUEUE_FULL" });
  assert.equal(linesOf(spool).length, 1);
  await spool.keepRejected(rejection('"a longer one"'));
  assert.equal(linesOf(spool).length, 2);
  assert.equal(spool.bytes, bytesIn(spool.directory));
  assert.equal(spool.hasRoomFor(0), false);
  spool.close();
});

test("rejected and quarantine - what earlier publishers left there counts, and stays", async (context) => {
  const directory = temporaryFolder(context);
  const first = Spool.open({ directory });
  first.keepRejectedSync(rejection("1"));
  await first.keepDamaged(first.createSegment("conversations"), [{ offset: 0, bytes: Buffer.from("damaged") }]);
  first.close();
  assert.throws(() => first.keepRejectedSync(rejection("2")), { code: "ERR_SPOOL" });
  await assert.rejects(first.keepRejected(rejection("2")), { code: "ERR_SPOOL" });
  const second = Spool.open({ directory });
  assert.ok(second.bytes > "damaged".length);
  assert.equal(second.bytes, bytesIn(directory));
  assert.equal(second.bytes, first.bytes);
  second.close();
});
