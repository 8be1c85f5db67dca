import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { storageWriteAppender, type Appender, type AppenderOptions } from "@indelible/subscriber/appender.ts";
import { scriptedWriteApi, type ScriptedWriteApi } from "./scripted-write-api.ts";

type Answer = Parameters<typeof scriptedWriteApi>[0];

const row = (text: string) => (): Uint8Array => Buffer.from(text);
const textsOf = (api: ScriptedWriteApi): string[][] =>
  api.requests.map(({ request }) => request.protoRows.rows.serializedRows.map(String));

async function withAppender(
  answer: Answer,
  use: (appender: Appender, api: ScriptedWriteApi) => Promise<void>,
  options: Partial<AppenderOptions> = {},
): Promise<void> {
  const api = await scriptedWriteApi(answer);
  const appender = storageWriteAppender({ client: api.client, projectId: "p", datasetId: "d", ...options });
  try {
    await use(appender, api);
  } finally {
    await appender.close();
    api.close();
  }
}

const ok: Answer = (_request, call) => void call.write({ appendResult: {} });

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
        const results = await Promise.all(
          ["a", "bad", "c"].map((text) => appender.append("conversations", [row(text)])),
        );
        assert.deepEqual(
          results.map((refused) => refused.length),
          [0, 1, 0],
        );
      },
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

  it("rejects as unknown on any other error of a response", async () => {
    await withAppender(
      (_request, call) => void call.write({ error: { code: status.INTERNAL, message: "oops" } }),
      (appender) =>
        assert.rejects(appender.append("conversations", [row("a")]), { code: "ERR_APPEND_OUTCOME_UNKNOWN" }),
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

  it("rejects with ERR_QUEUE_FULL rather than hold more bytes than its bound", async () => {
    const waiting: (() => void)[] = [];
    await withAppender(
      (_request, call) => void waiting.push(() => void call.write({ appendResult: {} })),
      async (appender, api) => {
        const first = appender.append("conversations", [row("x".repeat(80))]);
        await assert.rejects(appender.append("conversations", [row("y".repeat(30))]), { code: "ERR_QUEUE_FULL" });
        while (api.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
        waiting[0]?.();
        assert.deepEqual(await first, []);
      },
      { maxInFlightBytes: 100 },
    );
  });
});

describe("close()", () => {
  it("settles what is in flight", async () => {
    await withAppender(
      () => {},
      async (appender) => {
        const inFlight = assert.rejects(appender.append("conversations", [row("a")]), {
          code: "ERR_APPEND_OUTCOME_UNKNOWN",
        });
        await appender.close();
        await inFlight;
      },
    );
  });
});
