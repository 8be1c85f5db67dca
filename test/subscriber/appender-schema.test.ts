import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Appender } from "@indelible/subscriber/appender.ts";
import { answers, refuse, script, type Answer, type ScriptedWriteApi } from "./scripted-write-api.ts";
import { firstThenOthers, row, withAppender } from "./with-appender.ts";

const message =
  "Input schema has more fields than BigQuery schema, extra fields: 'region' Entity: projects/p/datasets/d/tables/conversations/streams/_default";

/** BigQuery says so in an answer, or ends the stream with it. */
const mismatches: readonly (readonly [string, Answer, string])[] = [
  [
    "in an answer",
    (_request, call) => void call.write({ error: { code: status.INVALID_ARGUMENT, message } }),
    "ERR_APPEND_REFUSED",
  ],
  [
    "by ending the stream",
    (_request, call) => void call.emit("error", Object.assign(new Error(message), { code: 3, details: message })),
    "ERR_APPEND_OUTCOME_UNKNOWN",
  ],
];

describe("append() to a table that has not all columns yet", () => {
  for (const [how, answer, code] of mismatches) {
    it(`is rejected retryably, with BigQuery's words and what to look at, when BigQuery refuses it ${how}`, async () => {
      await withAppender(script(answer), async (appender, api) => {
        await assert.rejects(appender.append("conversations", [row("a")]), {
          code,
          retryable: true,
          message: /extra fields: 'region'/,
          hint: /Compare the table with the declaration/,
        });
        assert.equal(api.committed.length, 0);
      });
    });

    it(`describes its rows anew on another connection after BigQuery refused them ${how}, and goes on`, async () => {
      await withAppender(script(answer), async (appender, api) => {
        await assert.rejects(appender.append("conversations", [row("a")]));
        assert.deepEqual(await appender.append("conversations", [row("a")]), []);
        const { connection, request } = api.requests.at(-1) ?? {};
        assert.equal(connection, 1);
        assert.ok(request?.protoRows.writerSchema);
        assert.deepEqual(api.committed.map(String), ["a"]);
      });
    });
  }

  /** Appends `a`, which is refused for its form, and the others, which are in flight behind it on the same connection and answered in turn. */
  async function withNeighbours(
    behind: readonly Answer[],
    use: (
      appender: Appender,
      api: ScriptedWriteApi,
      others: readonly Promise<unknown>[],
      ended: Promise<void>,
    ) => Promise<void>,
  ): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const late: (() => void)[] = [];
    await withAppender(
      (request, call, connection, commit) => {
        if (connection > 0) return answers.ok(request, call, connection, commit);
        call.on("cancelled", resolve);
        const answer = [refuse(status.INVALID_ARGUMENT), ...behind][late.length] ?? answers.hang;
        late.push(() => answer(request, call, connection, commit));
        if (late.length > behind.length) for (const settle of late) settle();
      },
      async (appender, api) => {
        const texts = ["a", "b", "c"].slice(0, 1 + behind.length);
        const calls = texts.map((text) => () => appender.append("conversations", [row(text)]));
        const [refused, ...others] = await firstThenOthers(api, calls);
        await assert.rejects(refused ?? Promise.resolve(), { code: "ERR_APPEND_REFUSED" });
        await use(appender, api, others, ended);
      },
      { maxInFlightRequests: 3, deadlineMs: 500 },
    );
  }

  it("keeps the answers of what was in flight behind it, which is stored once, and then ends that connection", async () => {
    await withNeighbours([answers.ok, answers.ok], async (appender, api, others, ended) => {
      assert.deepEqual(await Promise.all(others), [[], []]);
      await ended;
      assert.deepEqual(await appender.append("conversations", [row("d")]), []);
      assert.equal(api.requests.at(-1)?.connection, 1);
      assert.deepEqual(api.committed.map(String), ["b", "c", "d"]);
    });
  });

  it("goes on over another connection, and gives up what was in flight behind it and has no answer at its deadline", async () => {
    await withNeighbours([answers.ok, answers.hang], async (appender, api, [second, third], ended) => {
      assert.deepEqual(await second, []);
      assert.deepEqual(await appender.append("conversations", [row("d")]), []);
      await assert.rejects(third ?? Promise.resolve(), { code: "ERR_DEADLINE" });
      await ended;
      assert.deepEqual(await appender.append("conversations", [row("e")]), []);
      assert.deepEqual(
        api.requests.map(({ connection }) => connection),
        [0, 0, 0, 1, 1],
      );
    });
  });

  it("rejects what was in flight behind it when the appender is closed", async () => {
    await withNeighbours([answers.ok, answers.hang], async (appender, _api, [second, third]) => {
      assert.deepEqual(await second, []);
      assert.deepEqual(await appender.append("conversations", [row("d")]), []);
      const rejected = assert.rejects(third ?? Promise.resolve(), { code: "ERR_APPEND_OUTCOME_UNKNOWN" });
      await Promise.all([appender.close(), rejected]);
    });
  });

  it("keeps the connection when BigQuery has only too much to do", async () => {
    await withAppender(script(answers.ok, answers.resourceExhausted), async (appender, api) => {
      assert.deepEqual(await appender.append("conversations", [row("a")]), []);
      await assert.rejects(appender.append("conversations", [row("b")]), { code: "ERR_APPEND_REFUSED" });
      assert.deepEqual(await appender.append("conversations", [row("b")]), []);
      assert.equal(api.requests.at(-1)?.connection, 0);
    });
  });
});
