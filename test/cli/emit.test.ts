import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createPublisher, type Publisher } from "@indelible/publisher";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import { emit, type EmissionOptions } from "../../cli/emit/emission.ts";
import { Tally } from "../../cli/emit/tally.ts";
import { openFixture, type Fixture } from "../publisher/recording-transport.ts";

interface Emitted extends Fixture {
  readonly tally: Tally;
  /** Line number and code of what was refused. */
  readonly refused: (readonly [number, ErrorCode])[];
  readonly accepted: string[];
}

const { signal } = new AbortController();
const acme = { table: "action_logs", businessId: "acme", agentPosition: "COO" } as const;

async function run(
  input: string | Buffer | AsyncIterable<Buffer>,
  options: Partial<EmissionOptions> = acme,
  fixture: Fixture = openFixture(),
): Promise<Emitted> {
  const tally = new Tally();
  const refused: Emitted["refused"] = [];
  const accepted: string[] = [];
  await emit(typeof input === "string" || Buffer.isBuffer(input) ? once(input) : input, fixture.log, {
    strict: false,
    isFull: ({ queuedBytes }) => queuedBytes > 16 * 1024 * 1024,
    signal,
    tally,
    onRefused: (number, error) => refused.push([number, error.code]),
    onAccepted: async (logIds) => void accepted.push(...logIds),
    onProgress: () => {},
    ...options,
  });
  await fixture.log.flush();
  return { ...fixture, tally, refused, accepted };
}

async function* once(input: string | Buffer): AsyncGenerator<Buffer> {
  yield Buffer.from(input as string);
}

describe("emit()", () => {
  it("logs a line as an event of the table, with business and agent filled in, and gives its log_id", async () => {
    const { transport, accepted, errors } = await run('{"action_type":"file_write"}\n');
    const [event] = transport.events("action_logs");
    assert.equal(event?.["business_id"], "acme");
    assert.equal(event["agent_position"], "COO");
    assert.equal(event["action_type"], "file_write");
    assert.deepEqual(accepted, [event["log_id"]]);
    assert.deepEqual(errors, []);
  });

  it("keeps what a line gives, its log_id included", async () => {
    const event = {
      log_id: "01930000-0000-7000-8000-000000000001",
      action_id: "a1",
      business_id: "b",
      agent_position: "p",
      started_at: "2026-01-31T09:30:00Z",
      logged_at: "2026-01-31T09:30:01Z",
      publisher_id: "mine",
      seq: 7,
    };
    const { transport, accepted } = await run(JSON.stringify(event));
    assert.deepEqual(transport.events("action_logs"), [event]);
    assert.deepEqual(accepted, [event.log_id]);
  });

  it("fills in the source_agent of an escalation", async () => {
    const { transport } = await run("{}", { ...acme, table: "escalation_logs" });
    assert.equal(transport.events("escalation_logs")[0]?.["source_agent"], "COO");
  });

  it("takes lines that name their tables, and those that the publisher wrote for what it held back", async () => {
    const { transport, refused } = await run(
      '{"table":"conversations","event":{"status":"completed"}}\n' +
        '{"table":"action_logs","code":"ERR_REDACTION","message":"no","at":"2026-01-31T09:30:00Z","event":{"success":true}}\n',
      { businessId: "acme", agentPosition: "COO" },
    );
    assert.equal(transport.events("conversations")[0]?.["status"], "completed");
    assert.equal(transport.events("action_logs")[0]?.["success"], true);
    assert.deepEqual(refused, []);
  });

  it("with --table takes a line that names the same table, and refuses one that names another", async () => {
    const { transport, refused } = await run(
      '{"table":"action_logs","event":{"success":true}}\n{"table":"conversations","event":{}}\n',
    );
    assert.equal(transport.events("action_logs")[0]?.["success"], true);
    assert.deepEqual(refused, [[2, "ERR_INVALID_EVENT"]]);
  });

  const bad: readonly (readonly [string, string | Buffer, ErrorCode])[] = [
    ["is not JSON", "nope", "ERR_NOT_JSON"],
    ["is cut short", '{"a":', "ERR_NOT_JSON"],
    ["is no object", "[1]", "ERR_NOT_JSON"],
    ["is null", "null", "ERR_NOT_JSON"],
    ["has two events", "{}{}", "ERR_NOT_JSON"],
    ["has NUL bytes", "\0\0{}", "ERR_NOT_JSON"],
    ["is not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), "ERR_NOT_UTF8"],
    ["has a key twice", '{"success":true,"success":false}', "ERR_DUPLICATE_KEY"],
    ["has a number beyond 2^53", '{"duration_ms":9007199254740993}', "ERR_LOSSY_NUMBER"],
    ["has a negative zero", '{"cost_usd":-0}', "ERR_LOSSY_NUMBER"],
    ["has half a surrogate pair", String.raw`{"action_target":"\ud800"}`, "ERR_LONE_SURROGATE"],
    ["nests too deep", `{"action_details":${"[".repeat(600)}${"]".repeat(600)}}`, "ERR_TOO_DEEP"],
    ["has 20 MB", `{"action_target":"${"x".repeat(20_000_000)}"}`, "ERR_TOO_LARGE"],
    [
      "has 9.9 MB, which is more than a message holds",
      `{"result_summary":"${"x".repeat(9_900_000)}"}`,
      "ERR_TOO_LARGE",
    ],
  ];
  for (const [what, line, code] of bad) {
    it(`refuses a line that ${what}, by its number, and logs its neighbours`, async () => {
      const lines = [Buffer.from("{}\n\n"), Buffer.from(line as string), Buffer.from('\n{"success":true}')];
      const { transport, refused, tally, errors } = await run(Buffer.concat(lines));
      assert.deepEqual(refused, [[3, code]]);
      assert.equal(transport.events("action_logs").length, 2);
      assert.equal(tally.read, 3);
      assert.deepEqual([...tally.refusals], [[code, 1]]);
      assert.deepEqual(errors, [], "the publisher was not given it");
    });
  }

  const badEnvelopes: readonly (readonly [string, string, ErrorCode])[] = [
    ["names no table", "{}", "ERR_INVALID_EVENT"],
    ["names an unknown table", '{"table":"nope","event":{}}', "ERR_INVALID_EVENT"],
    ["names a table that only Indelible writes", '{"table":"dead_letters","event":{}}', "ERR_INVALID_EVENT"],
    ["names a table that is a property of every object", '{"table":"constructor","event":{}}', "ERR_INVALID_EVENT"],
    ["names no table by a text", '{"table":1,"event":{}}', "ERR_INVALID_EVENT"],
    ["has an event that is no object", '{"table":"action_logs","event":"{}"}', "ERR_NOT_JSON"],
    ["has columns beside the event", '{"table":"action_logs","event":{},"log_id":"x"}', "ERR_UNKNOWN_FIELD"],
  ];
  for (const [what, line, code] of badEnvelopes) {
    it(`without --table refuses a line that ${what}`, async () => {
      const { refused } = await run(line, { businessId: "acme", agentPosition: "COO" });
      assert.deepEqual(refused, [[1, code]]);
    });
  }

  it("refuses an event for which nobody gives a business or an agent, rather than inventing one", async () => {
    const { refused } = await run('{}\n{"business_id":"b"}\n{"business_id":"b","agent_position":"p"}', {
      table: "action_logs",
    });
    assert.deepEqual(refused, [
      [1, "ERR_INVALID_EVENT"],
      [2, "ERR_INVALID_EVENT"],
    ]);
  });

  it("takes CRLF, a byte order mark, blank lines and a last line without an end", async () => {
    const { transport, tally } = await run('\ufeff{"success":true}\r\n\r\n  \t\r\n{"success":false}');
    assert.deepEqual(
      transport.events("action_logs").map(({ success }) => success),
      [true, false],
    );
    assert.equal(tally.read, 2);
  });

  it("does nothing without input", async () => {
    const { tally, transport } = await run("");
    assert.equal(tally.read, 0);
    assert.equal(transport.attempts.length, 0);
  });

  it("lets what does not fit its table become a dead letter, and with --strict refuses it", async () => {
    const lines = '{"cost_usd":-1}\n{"nope":1}\n{"success":true}\n';
    const lax = await run(lines);
    assert.equal(lax.transport.events("action_logs").length, 3);
    const strict = await run(lines, { ...acme, strict: true });
    assert.deepEqual(strict.refused, [
      [1, "ERR_INVALID_EVENT"],
      [2, "ERR_UNKNOWN_FIELD"],
    ]);
    assert.equal(strict.accepted.length, 1);
  });

  it("gives no log_id for an event that the publisher refuses for a reason of its own", async () => {
    const { log, ...rest } = openFixture();
    await log.close();
    const { accepted, tally } = await run("{}", acme, { log, ...rest });
    assert.deepEqual(accepted, []);
    assert.equal(tally.taken, 1);
  });

  it("sends what came before input fails, and passes the failure on", async () => {
    const fixture = openFixture();
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from("{}\n");
      throw new Error("EIO");
    }
    await assert.rejects(run(failing(), acme, fixture), /EIO/);
    await fixture.log.flush();
    assert.equal(fixture.transport.events("action_logs").length, 1);
  });

  it("reads a million tiny lines only as fast as Pub/Sub takes them, and none is refused", async () => {
    const { promise: open, resolve } = Promise.withResolvers<void>();
    let pulled = 0;
    let pulledAtFirstFlush: number | undefined;
    let most = 0;
    const publisher = createPublisher({
      businessId: "acme",
      agentPosition: "COO",
      onError: (error) => assert.fail(error),
      // Takes nothing until the first flush.
      transport: { publish: () => open.then(() => ""), close: async () => {} },
    });
    const log: Publisher = {
      ...publisher,
      flush: (deadline) => {
        pulledAtFirstFlush ??= pulled;
        resolve();
        return publisher.flush(deadline);
      },
    };
    const chunk = Buffer.from("{}\n".repeat(10_000));
    async function* million(): AsyncGenerator<Buffer> {
      for (; pulled < 100; pulled += 1) {
        most = Math.max(most, publisher.stats().queuedBytes);
        yield chunk;
      }
    }
    const { tally } = await run(million(), acme, { ...openFixture(), log });
    assert.equal(tally.taken, 1_000_000);
    assert.equal(publisher.stats().acknowledged, 1_000_000);
    assert.ok(most < 24 * 1024 * 1024, `${most} bytes were queued`);
    assert.ok((pulledAtFirstFlush ?? 100) < 10, "nothing more was read meanwhile");
  });

  it("does not wait for room once a signal has come", async () => {
    const controller = new AbortController();
    const fixture = openFixture({ answer: () => new Promise(() => {}) });
    const log: Publisher = {
      ...fixture.log,
      flush: () => {
        controller.abort();
        return fixture.log.flush({ deadlineMs: 1 });
      },
    };
    const { tally } = await run("{}\n".repeat(100_000), { ...acme, signal: controller.signal }, { ...fixture, log });
    assert.equal(tally.taken, 100_000);
    assert.equal(fixture.log.stats().refused, 0);
  });
});
