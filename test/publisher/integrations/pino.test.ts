/** The stream within the host's thread, under the real pino. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import fc from "fast-check";
import pino, { type Logger, type LoggerOptions } from "pino";
import { createPinoStream, type LineLog, type PinoStream, type PinoStreamOptions } from "@indelible/publisher/pino";
import { openFixture, type Fixture } from "../recording-transport.ts";

interface PinoFixture extends Fixture {
  readonly stream: PinoStream;
  readonly logger: Logger;
}

function open(loggerOptions: LoggerOptions = {}, options: PinoStreamOptions = {}): PinoFixture {
  const fixture = openFixture();
  const stream = createPinoStream(fixture.log, options);
  return { ...fixture, stream, logger: pino(loggerOptions, stream) };
}

/** A log that cannot be used for anything. */
function brokenLog(): LineLog {
  return new Proxy({} as LineLog, {
    get: () => () => {
      throw new Error("boom");
    },
  });
}

test("PinoStream - a line that carries an event becomes that event, at the line's time", async () => {
  const { log, logger, stream, transport, errors } = open({
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const before = new Date().toISOString();
  logger.info({ indelible: { table: "action_logs", action_type: "file_write", action_target: "a.md" }, x: 1 }, "wrote");
  await log.flush();
  const [event, ...others] = transport.events("action_logs");
  assert.deepEqual(others, []);
  assert.equal(event!["action_type"], "file_write");
  assert.equal(event!["action_target"], "a.md");
  assert.equal(event!["business_id"], "acme");
  assert.ok(String(event!["started_at"]) >= before);
  assert.equal(event!["started_at"], event!["logged_at"]);
  assert.deepEqual(
    ["x", "msg", "table", "level", "pid"].filter((name) => name in event!),
    [],
  );
  assert.deepEqual(errors, []);
  assert.deepEqual(stream.stats(), { lines: 1, events: 1, refused: 0 });
});

test("PinoStream - every table that agents log to can be named", async () => {
  const { log, logger, transport, errors } = open();
  const tables = [
    "conversations",
    "thinking_logs",
    "decision_logs",
    "action_logs",
    "escalation_logs",
    "mcp_usage_logs",
    "log_access_audit",
  ];
  for (const table of tables) logger.info({ indelible: { table } });
  await log.flush();
  for (const table of tables) assert.equal(transport.events(table).length, 1, table);
  // Some lack what their table requires: they are sent all the same.
  assert.ok(errors.every(({ about }) => !about.refused));
});

test("PinoStream - a time that the event gives is kept, and pino's other clocks are read", async () => {
  const clocks: [LoggerOptions["timestamp"], RegExp][] = [
    [pino.stdTimeFunctions.epochTime, /^2\d{3}-/],
    [pino.stdTimeFunctions.unixTime, /^2\d{3}-.*\.000Z$/],
    [() => ',"time":1767258000000', /^2026-01-01T09:00:00\.000Z$/],
    [() => ',"time":"2026-01-01T09:00:00.123456789Z"', /^2026-01-01T09:00:00\.123456789Z$/],
    [() => ',"time":"yesterday"', /^2\d{3}-/],
    [() => ',"time":-1', /^2\d{3}-/],
    [() => ',"time":1e300', /^2\d{3}-/],
    [false, /^2\d{3}-/],
  ];
  for (const [timestamp, expected] of clocks) {
    const { log, logger, transport } = open(timestamp === undefined ? {} : { timestamp });
    logger.info({ indelible: { table: "action_logs" } });
    logger.info({ indelible: { table: "action_logs", started_at: "2001-01-01T00:00:00Z" } });
    await log.flush();
    const [first, second] = transport.events("action_logs");
    assert.match(String(first!["started_at"]), expected);
    assert.equal(second!["started_at"], "2001-01-01T00:00:00Z");
  }
});

test("PinoStream - lines without an event are left alone, whatever they hold", async () => {
  const { log, logger, stream } = open();
  logger.error(new Error("not an event"));
  logger.info('the word "indelible" in a message');
  logger.info({ nested: { indelible: { table: "action_logs" } } });
  logger.info({ indelible: null });
  logger.child({ a: 1 }).info({ a: 2 });
  await log.flush();
  assert.deepEqual(log.stats().acknowledged, 0);
  assert.deepEqual(stream.stats(), { lines: 5, events: 0, refused: 0 });
});

test("PinoStream - another key can carry the event", async () => {
  const { log, logger, transport } = open({}, { key: 'the "event"' });
  logger.info({ 'the "event"': { table: "action_logs", action_target: "a" }, indelible: { table: "action_logs" } });
  await log.flush();
  assert.deepEqual(
    transport.events("action_logs").map((event) => event["action_target"]),
    ["a"],
  );
});

test("PinoStream - what is not JSON or not an event is counted, warned of, and harms nobody", async () => {
  const { log, logger, stream, transport, errors } = open();
  const warned = once(process, "warning");
  stream.write("not json\n");
  stream.write('{"indelible":{"table":"action_logs"}\n');
  stream.write('["indelible"]\n');
  for (const event of ["text", 7, ["action_logs"], {}, { table: "seals" }, { table: "toString" }, { table: 7 }]) {
    logger.info({ indelible: event });
  }
  logger.child({ indelible: { table: "action_logs" } }).info({ indelible: { table: "action_logs" } });
  const [warning] = (await warned) as [Error & { code: string }];
  assert.equal(warning.code, "ERR_INTEGRATION");
  assert.match(warning.message, /pino.*not json/);
  assert.deepEqual(stream.stats(), { lines: 11, events: 0, refused: 11 });
  logger.info({ indelible: { table: "action_logs" } });
  await log.flush();
  assert.equal(transport.events("action_logs").length, 1);
  assert.deepEqual(errors, []);
});

test("PinoStream - an event with a number or a key that JSON.parse would change is refused", async () => {
  const { log, logger, stream, transport } = open();
  logger.info({ indelible: { table: "action_logs", action_details: { n: 9007199254740993n } } });
  stream.write('{"indelible":{"table":"action_logs","action_target":"a","action_target":"b"}}\n');
  logger.info({
    big: 9007199254740993n,
    indelible: { table: "action_logs", action_details: { n: 9007199254740991n } },
  });
  await log.flush();
  assert.deepEqual(stream.stats(), { lines: 3, events: 1, refused: 2 });
  const [event] = transport.events("action_logs");
  assert.deepEqual(event!["action_details"], { n: 9007199254740991 });
});

test("PinoStream - the event is found wherever it stands, and however the line is cut", () => {
  const name = fc.string().filter((text) => text !== "indelible" && text !== "time");
  const members = fc.dictionary(name, fc.jsonValue({ maxDepth: 2 }));
  fc.assert(
    fc.property(members, members, members, fc.infiniteStream(fc.nat({ max: 30 })), (before, details, after, sizes) => {
      const seen: object[] = [];
      const stream = createPinoStream({ action: (fields: object) => String(seen.push(fields)) } as unknown as LineLog);
      const line = JSON.stringify({
        ...before,
        indelible: { table: "action_logs", action_details: details },
        ...after,
      });
      const bytes = Buffer.from(`${line}\n${line}\n`);
      for (let at = 0; at < bytes.length;) {
        const size = sizes.next().value + 1;
        stream.write(bytes.subarray(at, at + size));
        at += size;
      }
      const action_details: unknown = JSON.parse(JSON.stringify(details));
      assert.deepEqual(seen, [{ action_details }, { action_details }]);
    }),
  );
});

test("PinoStream - a line without an end does not fill the memory", async () => {
  const { log, stream, transport } = open();
  const piece = "x".repeat(4 * 1024 * 1024);
  for (let at = 0; at < 6; at += 1) stream.write(piece);
  stream.write('\n{"indelible":{"table":"action_logs"}}\n');
  await log.flush();
  assert.deepEqual(stream.stats(), { lines: 2, events: 1, refused: 1 });
  assert.equal(transport.events("action_logs").length, 1);
});

test("PinoStream - a log that throws is invisible to the host", async () => {
  const stream = createPinoStream(brokenLog());
  const logger = pino({}, stream);
  logger.info({ indelible: { table: "action_logs" } });
  await stream.flush();
  assert.deepEqual(stream.stats(), { lines: 1, events: 0, refused: 1 });
  stream.end();
  await once(stream, "close");
});

test("PinoStream - a line after its end is lost without harm", async () => {
  const { logger, stream } = open();
  const closed = new Promise((resolve) => stream.on("close", resolve));
  stream.end();
  logger.info({ indelible: { table: "action_logs" } });
  await closed;
  logger.info({ indelible: { table: "action_logs" } });
  await new Promise(setImmediate);
  assert.deepEqual(stream.stats(), { lines: 0, events: 0, refused: 0 });
});

test("PinoStream - logger.flush() waits for acknowledgements, and the end of the stream does so too", async () => {
  const answer = Promise.withResolvers<void>();
  const { log, logger, stream, transport } = open();
  transport.answer = () => answer.promise;
  logger.info({ indelible: { table: "action_logs" } });
  const flushed = new Promise<void>((resolve) => logger.flush(() => resolve()));
  await new Promise(setImmediate);
  assert.equal(transport.acknowledged.length, 0);
  answer.resolve();
  await flushed;
  assert.equal(transport.acknowledged.length, 1);
  stream.write('{"indelible":{"table":"action_logs"}}');
  stream.end();
  await once(stream, "close");
  assert.equal(transport.acknowledged.length, 2);
  log.action({});
  await log.flush();
  assert.equal(transport.acknowledged.length, 3);
});

test("PinoStream - its end is bounded by its deadline", async () => {
  const { logger, stream, transport } = open({}, { closeDeadlineMs: 1 });
  transport.answer = () => new Promise(() => {});
  logger.info({ indelible: { table: "action_logs" } });
  stream.end();
  await once(stream, "close");
  assert.equal(transport.acknowledged.length, 0);
});

test("PinoStream - works beside other streams", async () => {
  const fixture = openFixture();
  const printed: string[] = [];
  const console = { write: (line: string) => void printed.push(line) };
  const logger = pino({}, pino.multistream([{ stream: console }, { stream: createPinoStream(fixture.log) }]));
  logger.info({ indelible: { table: "thinking_logs", conversation_id: "c" } }, "hm");
  await fixture.log.flush();
  assert.equal(printed.length, 1);
  assert.equal(fixture.transport.events("thinking_logs").length, 1);
});

test("createPinoStream() - refuses options that cannot be used", () => {
  const { log } = openFixture();
  for (const key of ["", "x".repeat(65), 7 as unknown as string]) {
    assert.throws(() => createPinoStream(log, { key }), { code: "ERR_CONFIG", message: /key/ });
  }
  for (const closeDeadlineMs of [-1, 8_001, 1.5, Number.NaN, "1" as unknown as number]) {
    assert.throws(() => createPinoStream(log, { closeDeadlineMs }), { code: "ERR_CONFIG", message: /closeDeadlineMs/ });
  }
});
