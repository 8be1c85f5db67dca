import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PubSub, type Subscription } from "@google-cloud/pubsub";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { startService, type ServiceProcess } from "../processes.ts";
import { readRow } from "./rows.ts";
import { scriptedWriteApi, type ScriptedWriteApi } from "./scripted-write-api.ts";

const projectId = "function-test";
const event = {
  agent_position: "CFO",
  business_id: "acme",
  conversation_id: "c1",
  log_id: "00000000-0000-7000-8000-000000000001",
  started_at: "2026-01-31T09:30:00Z",
};
const push = (data: string, attributes: object = {}, id = "1"): object => ({
  message: {
    data: Buffer.from(data).toString("base64"),
    attributes,
    messageId: id,
    publishTime: "2026-01-31T09:30:01.5Z",
  },
  subscription: "projects/p/subscriptions/s",
});

describe("the function", () => {
  const data = mkdtempSync(join(tmpdir(), "indelible-function-"));
  let broker: ServiceProcess;
  let service: ServiceProcess;
  let writeApi: ScriptedWriteApi;
  let pubsub: PubSub;
  let deadLetters: Subscription;
  let answer: object | undefined = { appendResult: {} };
  /** What an answer waits for. */
  let hold: (() => Promise<void>) | undefined;

  before(async () => {
    broker = await startService("local/pubsub/main.ts", ["--data", data, "--port", "0"]);
    writeApi = await scriptedWriteApi(async (_request, call) => {
      await hold?.();
      if (answer === undefined) call.end();
      else call.write(answer);
    });
    const address = `127.0.0.1:${broker.ready.port}`;
    service = await startService("subscriber/main.ts", ["--port", "0"], {
      GOOGLE_CLOUD_PROJECT: projectId,
      PUBSUB_EMULATOR_HOST: address,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${writeApi.port}`,
    });
    pubsub = new PubSub({
      projectId,
      apiEndpoint: address,
      emulatorMode: true,
      clientOptions: { universeDomain: "googleapis.com" },
    });
    const [topic] = await pubsub.createTopic("agent-logs.dead-letter");
    [deadLetters] = await topic.createSubscription("agent-logs.dead-letter.test");
  });
  after(async () => {
    await service?.stop();
    await pubsub?.close();
    writeApi?.close();
    await writeApi?.client.close();
    await broker?.stop();
    rmSync(data, { recursive: true });
  });

  const post = (path: string, body: unknown, headers: { [name: string]: string } = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${service.ready.port}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const lastRow = (table: "conversations" | "dead_letters"): Record<string, unknown> =>
    readRow(table, writeApi.requests.at(-1)?.request.protoRows.rows.serializedRows[0] as Buffer);

  it("acknowledges a push when its event is a row, and again when it is a known duplicate", async () => {
    for (const id of ["1", "2"]) {
      const response = await post("/conversations", push(JSON.stringify(event), {}, id));
      assert.equal(response.status, 204);
    }
    assert.equal(writeApi.requests.length, 1);
    const row = lastRow("conversations");
    assert.equal(row["entry"], canonicalize(event));
    assert.equal(row["published_at"], String(Date.UTC(2026, 0, 31, 9, 30, 1, 500) * 1000));
  });

  it("acknowledges what is invalid once it is in the dead-letter topic, and makes a row of the dead letter", async () => {
    const invalid = JSON.stringify({ ...event, mood: "good" });
    const received = new Promise<{ data: Buffer; attributes: object }>((resolve) => {
      deadLetters.on("message", (message) => {
        message.ack();
        resolve({ data: message.data, attributes: message.attributes });
      });
    });
    assert.equal((await post("/conversations", push(invalid, { team: "finance" }, "77"))).status, 204);
    const { data: bytes, attributes } = await received;
    await deadLetters.close();
    assert.equal(bytes.toString(), invalid);
    assert.deepEqual(attributes, {
      team: "finance",
      "indelible.reason": "ERR_UNKNOWN_FIELD",
      "indelible.detail": 'the event has the field "mood", which conversations does not',
      "indelible.table": "conversations",
      "indelible.message_id": "77",
      "indelible.published_at": "2026-01-31T09:30:01.500000Z",
      "indelible.index": "0",
      "indelible.log_id": event.log_id,
    });

    const response = await post("/dead_letters", push(invalid, attributes, "78"));
    assert.equal(response.status, 204);
    const row = lastRow("dead_letters");
    assert.deepEqual([row["reason"], row["source_message_id"], row["data"]], ["ERR_UNKNOWN_FIELD", "77", invalid]);
    assert.ok(!service.errors().includes("good"), "no content of an event in the logs");
  });

  it("makes rows of log_access_audit of records of BigQuery's audit log, which come by a path of their own", async () => {
    const record = {
      logName: "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
      insertId: "abc",
      timestamp: "2026-01-31T09:30:00Z",
      protoPayload: {
        resourceName: "projects/p/datasets/agent_logs_raw/tables/conversations",
        metadata: { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } },
      },
    };
    const before = writeApi.requests.length;
    assert.equal((await post("/bigquery_audit", push(JSON.stringify(record)))).status, 204);
    assert.equal(
      (await post("/bigquery_audit", push(JSON.stringify({ textPayload: "no read" }), {}, "2"))).status,
      204,
    );
    assert.equal(writeApi.requests.length, before + 1);
    assert.match(writeApi.requests.at(-1)?.request.writeStream ?? "", /log_access_audit/);
    const metrics = await (await fetch(`http://127.0.0.1:${service.ready.port}/metrics`)).text();
    assert.match(metrics, /indelible_records_ignored_total\{table="log_access_audit"\} 1/);
  });

  it("answers 503 when the append's outcome is unknown, and takes the redelivery", async () => {
    const other = JSON.stringify({ ...event, log_id: "00000000-0000-7000-8000-000000000002" });
    answer = undefined;
    assert.equal((await post("/conversations", push(other))).status, 503);
    answer = { appendResult: {} };
    assert.equal((await post("/conversations", push(other))).status, 204);
  });

  it("keeps a dead letter in Pub/Sub when BigQuery refuses its row, instead of dead-lettering it again", async () => {
    answer = { rowErrors: [{ index: 0, message: "no" }], error: { code: 3 } };
    assert.equal((await post("/dead_letters", push("x", {}, "79"))).status, 503);
    answer = { appendResult: {} };
  });

  it("acknowledges an empty message with attributes only as a dead letter, never silently", async () => {
    assert.equal((await post("/conversations", push("", { a: "b" }, "80"))).status, 204);
    const metrics = await (await fetch(`http://127.0.0.1:${service.ready.port}/metrics`)).text();
    assert.match(metrics, /^indelible_events_dead_lettered_total\{table="conversations",reason="ERR_EMPTY"\} 1$/m);
  });

  it("answers 429 when too much is on its way, and takes the redelivery", async () => {
    const small = await startService("subscriber/main.ts", ["--port", "0"], {
      GOOGLE_CLOUD_PROJECT: projectId,
      PUBSUB_EMULATOR_HOST: `127.0.0.1:${broker.ready.port}`,
      BIGQUERY_STORAGE_HOST: `127.0.0.1:${writeApi.port}`,
      INDELIBLE_MAX_IN_FLIGHT_BYTES: "300",
    });
    try {
      const postTo = (n: number): Promise<Response> =>
        fetch(`http://127.0.0.1:${small.ready.port}/conversations`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify(push(JSON.stringify({ ...event, log_id: `00000000-0000-7000-8000-00000000010${n}` }))),
        });
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
      const { promise: answered, resolve: release } = Promise.withResolvers<void>();
      hold = () => {
        ask();
        return answered;
      };
      const first = postTo(1);
      await asked;
      hold = undefined;
      assert.equal((await postTo(2)).status, 429);
      release();
      assert.equal((await first).status, 204);
      assert.equal((await postTo(2)).status, 204);
    } finally {
      await small.stop();
    }
  });

  it("says which setting is no number", async () => {
    await assert.rejects(
      startService("subscriber/main.ts", ["--port", "0"], {
        GOOGLE_CLOUD_PROJECT: projectId,
        INDELIBLE_MAX_IN_FLIGHT_BYTES: "64 MiB",
      }),
      /INDELIBLE_MAX_IN_FLIGHT_BYTES is \\?"64 MiB/,
    );
  });

  const refused: [string, () => Promise<Response>, number][] = [
    ["a table that is not published to", () => post("/seals", push("{}")), 404],
    ["an unknown path", () => post("/", push("{}")), 404],
    ["a body that is not a wrapped push", () => post("/conversations", { data: "x" }), 400],
    [
      "a content type that a web page could send",
      () => post("/conversations", JSON.stringify(push("{}")), { "content-type": "text/plain" }),
      415,
    ],
  ];
  for (const [what, request, status] of refused) {
    it(`answers ${status} to ${what}`, async () => assert.equal((await request()).status, status));
  }

  it("answers nobody who names another host", async () => {
    const { request } = await import("node:http");
    const status = await new Promise((resolve, reject) => {
      request(
        { host: "127.0.0.1", port: service.ready.port, path: "/healthz", headers: { host: "evil.example" } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on("error", reject)
        .end();
    });
    assert.equal(status, 403);
  });

  it("says clearly what setting is missing", async () => {
    await assert.rejects(
      startService("subscriber/main.ts", ["--port", "0"], { GOOGLE_CLOUD_PROJECT: "" }),
      /GOOGLE_CLOUD_PROJECT is not set/,
    );
  });
});
