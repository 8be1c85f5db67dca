import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import fc from "fast-check";
import { storageWriteAppender, type Appender, type AppenderOptions } from "@indelible/subscriber/appender.ts";
import type { PendingRow } from "@indelible/subscriber/appender.ts";
import {
  answers,
  refuse,
  rowErrors,
  script,
  scriptedWriteApi,
  type Answer,
  type ScriptedWriteApi,
} from "./scripted-write-api.ts";

const row = (text: string) => (): Uint8Array => Buffer.from(text);
const textsOf = (api: ScriptedWriteApi): string[][] =>
  api.requests.map(({ request }) => request.protoRows.rows.serializedRows.map(String));

async function withAppender(
  answer: Answer,
  use: (appender: Appender, api: ScriptedWriteApi) => Promise<void>,
  options: Partial<AppenderOptions> = {},
): Promise<void> {
  const api = await scriptedWriteApi(answer);
  const appender = storageWriteAppender({ createClient: () => api.client, projectId: "p", datasetId: "d", ...options });
  try {
    await use(appender, api);
  } finally {
    await appender.close();
    api.close();
  }
}

const { ok } = answers;

/** Makes the calls, and waits until the first is with the server, so that the others come while it is in flight. */
async function firstThenOthers<T>(api: ScriptedWriteApi, calls: readonly (() => Promise<T>)[]): Promise<Promise<T>[]> {
  const [first, ...others] = calls;
  const started = [first?.() as Promise<T>];
  await api.received(1);
  for (const call of others) started.push(call());
  for (const promise of started) promise.catch(() => {});
  return started;
}

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
