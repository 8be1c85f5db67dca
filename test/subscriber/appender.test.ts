import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { answers, rowErrors, type Answer } from "./scripted-write-api.ts";
import { firstThenOthers, row, textsOf, withAppender } from "./with-appender.ts";

const { ok } = answers;

describe("append()", () => {
  it("describes the rows on the first request of a connection only, and keeps the connection", async () => {
    await withAppender(ok, async (appender, api) => {
      assert.deepEqual(await appender.append("conversations", [row("a"), row("b")]), []);
      assert.deepEqual(await appender.append("conversations", [row("c")]), []);
      assert.deepEqual(textsOf(api), [["a", "b"], ["c"]]);
      const [first, second] = api.requests.map(({ request }) => request);
      assert.equal(first?.writeStream, "projects/p/datasets/d/tables/conversations/streams/_default");
      assert.ok(first?.protoRows.writerSchema);
      assert.equal(second?.protoRows.writerSchema ?? undefined, undefined);
      assert.deepEqual([...new Set(api.requests.map(({ connection }) => connection))], [0]);
    });
  });

  it("sends the token that it was given, and no credentials without one", async () => {
    for (const token of ["token-of-the-writer", undefined]) {
      const sent: unknown[] = [];
      const answer: Answer = (_request, call) => {
        sent.push(...call.metadata.get("authorization"));
        call.write({ appendResult: {} });
      };
      await withAppender(answer, async (appender) => void (await appender.append("seals", [row("a")])), { token });
      assert.deepEqual(sent, token === undefined ? [] : [`Bearer ${token}`]);
    }
  });

  it("matches responses to requests in order, also when several are in flight", async () => {
    const bad = (request: Parameters<Answer>[0]): boolean => String(request.protoRows.rows.serializedRows[0]) === "bad";
    await withAppender(
      (request, call) =>
        void call.write(
          bad(request) ? { rowErrors: [{ index: 0, message: "no" }], error: { code: 3 } } : { appendResult: {} },
        ),
      async (appender) => {
        // The first opens the connection, so that the others are three requests and not one.
        await appender.append("conversations", [row("first")]);
        const results = await Promise.all(
          ["a", "bad", "c"].map((text) => appender.append("conversations", [row(text)])),
        );
        assert.deepEqual(
          results.map((refused) => refused.length),
          [0, 1, 0],
        );
      },
      { maxInFlightRequests: 3 },
    );
  });

  it("names the rows that BigQuery refuses and writes their neighbours, stamped anew", async () => {
    let clock = 1000;
    const stamped = (text: string) => (ingestedAt: number) => Buffer.from(`${text}@${ingestedAt}`);
    await withAppender(
      (request, call) => {
        const errors = request.protoRows.rows.serializedRows.flatMap((bytes, index) =>
          String(bytes).startsWith("bad") ? [{ index, message: `row ${index}` }] : [],
        );
        call.write(
          errors.length > 0 ? { rowErrors: errors, error: { code: 3, message: "bad rows" } } : { appendResult: {} },
        );
      },
      async (appender, api) => {
        const refused = await appender.append("conversations", ["a", "bad1", "b", "bad2"].map(stamped));
        assert.deepEqual(refused, [
          { position: 1, code: "ERR_ROW_REFUSED", reason: "row 1" },
          { position: 3, code: "ERR_ROW_REFUSED", reason: "row 3" },
        ]);
        assert.deepEqual(textsOf(api), [
          ["a@1000000", "bad1@1000000", "b@1000000", "bad2@1000000"],
          ["a@1001000", "b@1001000"],
        ]);
      },
      { now: () => clock++ },
    );
  });

  it("splits what is beyond 9 MiB into several requests and refuses a row that fits into none", async () => {
    const large = (letter: string, mib: number) => row(letter.repeat(mib * 1024 * 1024));
    await withAppender(ok, async (appender, api) => {
      const refused = await appender.append("conversations", [
        large("a", 4),
        large("b", 10),
        large("c", 4),
        large("d", 4),
      ]);
      assert.deepEqual(
        refused.map(({ position, code }) => [position, code]),
        [[1, "ERR_TOO_LARGE"]],
      );
      assert.deepEqual(
        textsOf(api).map((texts) => texts.map((text) => text[0])),
        [["a", "c"], ["d"]],
      );
    });
  });

  it("rejects as refused, retryably, when BigQuery refuses the request as a whole", async () => {
    await withAppender(
      (_request, call) => void call.write({ error: { code: status.NOT_FOUND, message: "no such table" } }),
      async (appender) => {
        await assert.rejects(appender.append("conversations", [row("a")]), {
          code: "ERR_APPEND_REFUSED",
          retryable: true,
          message: /no such table/,
        });
      },
    );
  });

  it("shares requests: what comes while one is in flight goes out together with the next, from all calls", async () => {
    const waiting: (() => void)[] = [];
    await withAppender(
      (request, call, connection, commit) => void waiting.push(() => ok(request, call, connection, commit)),
      async (appender, api) => {
        const calls = await firstThenOthers(
          api,
          ["a", "b", "c", "d"].map((text) => () => appender.append("conversations", [row(text), row(text)])),
        );
        waiting.shift()?.();
        await api.received(2);
        waiting.shift()?.();
        assert.deepEqual(await Promise.all(calls), [[], [], [], []]);
        assert.deepEqual(textsOf(api), [
          ["a", "a"],
          ["b", "b", "c", "c", "d", "d"],
        ]);
      },
      { maxInFlightRequests: 1 },
    );
  });

  it("tells each call of a shared request of its own refused rows, by their positions in the call", async () => {
    const requests: unknown[] = [];
    await withAppender(
      (request, call, connection, commit) => {
        // The first is answered when the others wait; they share the next one.
        const step = { 1: ok, 2: rowErrors(1, 4) }[requests.push(request)] ?? ok;
        setTimeout(() => step(request, call, connection, commit), 20);
      },
      async (appender, api) => {
        const calls = await firstThenOthers(
          api,
          ["a", "b", "c"].map((text) => () => appender.append("conversations", [row(text), row(text), row(text)])),
        );
        assert.deepEqual(await Promise.all(calls), [
          [],
          [{ position: 1, code: "ERR_ROW_REFUSED", reason: "row 1" }],
          [{ position: 1, code: "ERR_ROW_REFUSED", reason: "row 4" }],
        ]);
        assert.deepEqual(textsOf(api).at(-1), ["b", "b", "c", "c"]);
        assert.equal(api.committed.length, 7);
      },
      { maxInFlightRequests: 1 },
    );
  });

  it("keeps no more than its bound of requests in flight", async () => {
    let inFlight = 0;
    let most = 0;
    await withAppender(
      (request, call, connection, commit) => {
        inFlight += 1;
        most = Math.max(most, inFlight);
        setImmediate(() => {
          inFlight -= 1;
          ok(request, call, connection, commit);
        });
      },
      async (appender) => {
        await Promise.all(Array.from({ length: 50 }, (_, n) => appender.append("conversations", [row(String(n))])));
        assert.ok(most <= 3, `${most} in flight`);
      },
      { maxInFlightRequests: 3 },
    );
  });

  it("does not let a table that hangs delay another", async () => {
    await withAppender(
      (request, call, connection, commit) => (connection === 0 ? answers.hang : ok)(request, call, connection, commit),
      async (appender, api) => {
        const stuck = assert.rejects(appender.append("thinking_logs", [row("a")]), {
          code: "ERR_APPEND_OUTCOME_UNKNOWN",
        });
        await api.received(1);
        assert.deepEqual(await appender.append("escalation_logs", [row("b")]), []);
        await appender.close();
        await stuck;
      },
    );
  });
});

describe("close()", () => {
  it("settles what is in flight and what waits, and refuses what comes later", async () => {
    await withAppender(
      answers.hang,
      async (appender, api) => {
        const inFlight = assert.rejects(appender.append("conversations", [row("a")]), {
          code: "ERR_APPEND_OUTCOME_UNKNOWN",
        });
        await api.received(1);
        const waiting = assert.rejects(appender.append("conversations", [row("b")]), { code: "ERR_APPEND_REFUSED" });
        await appender.close();
        await Promise.all([inFlight, waiting]);
        await assert.rejects(appender.append("conversations", [row("c")]), { code: "ERR_APPEND_REFUSED" });
      },
      { maxInFlightRequests: 1 },
    );
  });
});
