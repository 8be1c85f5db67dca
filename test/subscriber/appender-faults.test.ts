import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { storageWriteAppender, type PendingRow } from "@indelible/subscriber/appender.ts";
import fc from "fast-check";
import { answers, refuse, rowErrors, script, scriptedWriteApi, type Answer } from "./scripted-write-api.ts";
import { firstThenOthers, row, withAppender } from "./with-appender.ts";

const { ok } = answers;

describe("append() under fault", () => {
  it("rejects everything in flight when the stream breaks, and goes on over a new connection", async () => {
    await withAppender(
      (_request, call, connection) => {
        if (connection === 0) call.emit("error", Object.assign(new Error("gone"), { code: status.UNAVAILABLE }));
        else call.write({ appendResult: {} });
      },
      async (appender, api) => {
        const inFlight = ["a", "b"].map((text) => appender.append("conversations", [row(text)]));
        for (const result of await Promise.allSettled(inFlight)) {
          assert.equal(result.status === "rejected" && result.reason.code, "ERR_APPEND_OUTCOME_UNKNOWN");
        }
        assert.deepEqual(await appender.append("conversations", [row("c")]), []);
        assert.equal(api.requests.at(-1)?.connection, 1);
      },
    );
  });

  it("does the same when the server ends the stream without an error", async () => {
    await withAppender(
      (_request, call) => void call.end(),
      (appender) =>
        assert.rejects(appender.append("conversations", [row("a")]), { code: "ERR_APPEND_OUTCOME_UNKNOWN" }),
    );
  });

  it("gives up after its deadline when nobody answers, and never settles a later request with a late answer", async () => {
    const late: Parameters<Answer>[1][] = [];
    await withAppender(
      (_request, call, connection) => {
        if (connection === 0) late.push(call);
        else call.write({ appendResult: {} });
      },
      async (appender) => {
        await assert.rejects(appender.append("conversations", [row("a")]), { code: "ERR_DEADLINE", retryable: true });
        late[0]?.write({ rowErrors: [{ index: 0, message: "late" }] });
        assert.deepEqual(await appender.append("conversations", [row("b")]), []);
      },
      { deadlineMs: 100 },
    );
  });

  it("rejects when nothing listens", async () => {
    await withAppender(
      ok,
      async (appender, api) => {
        api.close();
        await assert.rejects(appender.append("conversations", [row("a")]), { retryable: true });
      },
      { deadlineMs: 2_000 },
    );
  });

  it("closes a connection whose schema has changed after the answer that says so; what else is in flight is unknown", async () => {
    const late: (() => void)[] = [];
    await withAppender(
      (request, call, connection, commit) =>
        connection === 0
          ? void late.push(() => answers.schemaUpdate(request, call, connection, commit))
          : ok(request, call, connection, commit),
      async (appender, api) => {
        const calls = await firstThenOthers(
          api,
          ["a", "b", "c"].map((text) => () => appender.append("conversations", [row(text)])),
        );
        await api.received(3);
        late[0]?.();
        const [first, ...others] = await Promise.allSettled(calls);
        assert.equal(first?.status, "fulfilled");
        for (const result of others) {
          assert.equal(result.status === "rejected" && result.reason.code, "ERR_APPEND_OUTCOME_UNKNOWN");
        }
        assert.deepEqual(await appender.append("conversations", [row("d")]), []);
        assert.equal(api.requests.at(-1)?.connection, 1);
        assert.ok(api.requests.at(-1)?.request.protoRows.writerSchema, "the new connection describes its rows again");
      },
      { maxInFlightRequests: 3 },
    );
  });

  const unintelligible: [string, Answer][] = [
    ["an answer that is empty", answers.empty],
    ["an answer for another stream", answers.forAnotherStream],
    ["a refusal of a row that was not sent", rowErrors(7)],
  ];
  for (const [what, answer] of unintelligible) {
    it(`takes ${what} for no success, and trusts that connection no more`, async () => {
      await withAppender(script(answer), async (appender, api) => {
        await assert.rejects(appender.append("conversations", [row("a")]), { code: "ERR_APPEND_OUTCOME_UNKNOWN" });
        assert.deepEqual(await appender.append("conversations", [row("b")]), []);
        assert.equal(api.requests.at(-1)?.connection, 1);
      });
    });
  }

  it("closes a connection that answers what was not asked, and takes no such answer for that of a request not yet sent", async () => {
    await withAppender(script(answers.twice, answers.hang), async (appender, api) => {
      assert.deepEqual(await appender.append("conversations", [row("a")]), []);
      // The second answer comes with the first, while this request is on its way or before.
      await appender.append("conversations", [row("b")]).catch((error: unknown) => {
        assert.equal((error as { code: string }).code, "ERR_APPEND_OUTCOME_UNKNOWN");
      });
      assert.deepEqual(await appender.append("conversations", [row("c")]), []);
      assert.equal(api.requests.at(-1)?.connection, 1);
    });
  });

  const cuts: [string, Answer, string, number][] = [
    ["cut before its rows were kept", answers.cutBeforeCommit, "ERR_APPEND_OUTCOME_UNKNOWN", 1],
    ["cut after its rows were kept", answers.cutAfterCommit, "ERR_APPEND_OUTCOME_UNKNOWN", 2],
    ["not answered", answers.hang, "ERR_DEADLINE", 1],
    ["not answered though its rows were kept", answers.hangAfterCommit, "ERR_DEADLINE", 2],
    ["denied", answers.permissionDenied, "ERR_APPEND_OUTCOME_UNKNOWN", 1],
    ["throttled", answers.resourceExhausted, "ERR_APPEND_REFUSED", 1],
    ["refused for a fault of the server", refuse(status.INTERNAL), "ERR_APPEND_REFUSED", 1],
  ];
  for (const [what, answer, code, rows] of cuts) {
    it(`leaves an append that was ${what} to its caller, whose next try succeeds`, async () => {
      await withAppender(
        script(answer),
        async (appender, api) => {
          await assert.rejects(appender.append("conversations", [row("a")]), { code, retryable: true });
          assert.deepEqual(await appender.append("conversations", [row("a")]), []);
          assert.deepEqual(
            api.committed.map(String),
            Array.from({ length: rows }, () => "a"),
          );
        },
        { deadlineMs: 500 },
      );
    });
  }

  it("names the right that may be missing when BigQuery denies", async () => {
    await withAppender(script(answers.permissionDenied), async (appender) => {
      await assert.rejects(appender.append("conversations", [row("a")]), { hint: /role/, message: /may not append/ });
    });
  });

  it("makes a new client after one that could not be set up, and rejects what waited for it at once", async () => {
    const api = await scriptedWriteApi(ok);
    let clients = 0;
    const createClient = (): typeof api.client => {
      clients += 1;
      if (clients > 1) return api.client;
      return { initialize: () => Promise.reject(new Error("no credentials")) } as unknown as typeof api.client;
    };
    const appender = storageWriteAppender({ createClient, projectId: "p", datasetId: "d" });
    try {
      await assert.rejects(appender.append("conversations", [row("a")]), (error: Error & { code: string }) => {
        assert.equal(error.code, "ERR_APPEND_REFUSED");
        assert.equal((error.cause as Error).message, "no credentials");
        return true;
      });
      assert.deepEqual(await appender.append("conversations", [row("a")]), []);
    } finally {
      await appender.close();
      api.close();
    }
  });

  it("gives up on a client that is never set up", async () => {
    const createClient = (): never => ({ initialize: () => new Promise(() => {}) }) as never;
    const appender = storageWriteAppender({ createClient, projectId: "p", datasetId: "d", deadlineMs: 50 });
    await assert.rejects(appender.append("conversations", [row("a")]), { code: /ERR_DEADLINE|ERR_APPEND_REFUSED/ });
    await appender.close();
  });

  it("rejects only the call whose row cannot be encoded", async () => {
    const bug: PendingRow = () => {
      throw new TypeError("a fault of ours");
    };
    await withAppender(
      script(answers.ok),
      async (appender) => {
        const [first, bad, good] = await Promise.allSettled([
          appender.append("conversations", [row("a")]),
          appender.append("conversations", [row("b"), bug]),
          appender.append("conversations", [row("c")]),
        ]);
        assert.deepEqual([first?.status, bad?.status, good?.status], ["fulfilled", "rejected", "fulfilled"]);
      },
      { maxInFlightRequests: 1 },
    );
  });

  it("settles every call within any sequence of faults, and every row of a call that resolved is kept", async () => {
    const faults = [
      ok,
      answers.cutBeforeCommit,
      answers.cutAfterCommit,
      answers.resourceExhausted,
      answers.end,
      answers.schemaUpdate,
      rowErrors(0),
      answers.twice,
      answers.empty,
      answers.permissionDenied,
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...faults), { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
        async (steps, sizes) => {
          await withAppender(
            script(...steps),
            async (appender, api) => {
              const calls = sizes.map((size, call) =>
                appender.append(
                  "conversations",
                  Array.from({ length: size }, (_, n) => row(`${call}.${n}`)),
                ),
              );
              const results = await Promise.allSettled(calls);
              const kept = new Set(api.committed.map(String));
              for (const [call, result] of results.entries()) {
                if (result.status === "rejected") continue;
                const refused = new Set(result.value.map(({ position }) => position));
                for (let n = 0; n < (sizes[call] as number); n += 1) {
                  assert.equal(kept.has(`${call}.${n}`), !refused.has(n), `row ${call}.${n}`);
                }
              }
            },
            { deadlineMs: 3_000 },
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});
