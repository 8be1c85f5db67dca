import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { answers, refuse, script, type Answer } from "./scripted-write-api.ts";
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

  it("rejects retryably what was in flight behind it", async () => {
    const late: (() => void)[] = [];
    await withAppender(
      (request, call, connection, commit) =>
        connection === 0
          ? void late.push(() => refuse(status.INVALID_ARGUMENT)(request, call, connection, commit))
          : answers.ok(request, call, connection, commit),
      async (appender, api) => {
        const calls = await firstThenOthers(
          api,
          ["a", "b"].map((text) => () => appender.append("conversations", [row(text)])),
        );
        await api.received(2);
        late[0]?.();
        for (const result of await Promise.allSettled(calls)) {
          assert.equal(result.status === "rejected" && result.reason.retryable, true);
        }
      },
      { maxInFlightRequests: 2 },
    );
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
