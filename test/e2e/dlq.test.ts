import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { BigQuery } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { DataFolder, Dev } from "./dev.ts";
import { startCli, type Ended } from "./dlq-cli.ts";

const folder = new DataFolder();
const data = join(folder.path, "data");

const start = (args: readonly string[]): ReturnType<typeof startCli> => startCli(data, args);
const run = (...args: readonly string[]): Promise<Ended> => start(args).ended;

async function json<T>(...args: readonly string[]): Promise<T> {
  const { out, errors } = await run(...args);
  if (out === "") throw new Error(errors);
  return JSON.parse(out) as T;
}

interface ListedGroup {
  readonly table: string;
  readonly reason: string;
  readonly pattern: string;
  readonly count: number;
}
interface ListedLetter {
  readonly id: string;
  readonly logId: string;
  readonly state: string;
}
interface Replayed {
  readonly published: number;
  readonly arrived: number;
  readonly failedAgain: readonly { readonly id: string; readonly replayOf: string; readonly detail: string }[];
}

const list = (...args: string[]): Promise<ListedGroup[]> => json("dlq", "list", "--json", ...args);
const listAll = (...args: string[]): Promise<ListedLetter[]> => json("dlq", "list", "--all", ...args);
const query = (sql: string): Promise<{ [column: string]: unknown }[]> => json("query", sql);

/** Asks again until the answer is right: what was published arrives in its own time. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
  }
}

describe("indelible dlq, over the services of one machine", () => {
  let dev: Dev;
  let pubsub: PubSub;
  let bigquery: BigQuery;
  const publish = (table: string, event: object): Promise<string> =>
    pubsub
      .topic(`agent-logs.${table}`)
      .publishMessage({ data: Buffer.from(JSON.stringify(event)), attributes: { team: "x" } });

  before(async () => {
    dev = new Dev(folder, []);
    await dev.running();
    applyEnvironment(JSON.parse(readFileSync(join(data, "env.json"), "utf8")) as Environment);
    pubsub = pubSubClient("indelible-local");
    bigquery = bigQueryClient("indelible-local", true);
  });
  after(async () => {
    await pubsub?.close();
    dev?.process.kill("SIGTERM");
    await dev?.ended();
    folder[Symbol.dispose]();
  });

  it("lists what the sample has left, shows it, and changes nothing that nobody has confirmed", async () => {
    const groups = await list();
    assert.deepEqual(
      groups.map(({ table, reason, pattern, count }) => [table, reason, pattern, count]),
      [["thinking_logs", "ERR_INVALID_EVENT", "confidence_level must be <= <n>", 1]],
    );
    assert.deepEqual(await list("--since", "2000-01-01T00:00:00Z", "--reason", "ERR_EMPTY"), []);
    const [letter = assert.fail()] = await listAll(
      "--pattern",
      "confidence_level must be <= <n>",
      "--table",
      "thinking_logs",
      "--since",
      "1h",
    );
    const shown = await json<{ data: string; hint: string }>("dlq", "show", letter.id.slice(0, 8));
    assert.equal((JSON.parse(shown.data) as { confidence_level: number }).confidence_level, 1.7);
    const refused = await run("dlq", "replay", letter.id);
    assert.deepEqual([refused.exitCode, refused.out], [1, ""]);
    assert.match(refused.errors, /ERR_UNCONFIRMED.*\n.*--yes/);
    assert.equal((await run("dlq", "replay", "--dry-run")).exitCode, 0);
    assert.equal((await listAll())[0]?.state, "open");
  });

  it("replays: what is not mended fails again and is listed, what is mended becomes the entry that it was to be", async () => {
    const [{ id, logId } = assert.fail()] = await listAll();
    const failed = await json<Replayed>("dlq", "replay", "--yes");
    assert.deepEqual([failed.published, failed.arrived], [1, 0]);
    assert.deepEqual(
      failed.failedAgain.map(({ replayOf, detail }) => [replayOf, detail]),
      [[id, "confidence_level must be <= 1"]],
    );
    assert.deepEqual(
      (await listAll("--state", "failed-again")).map((letter) => letter.id),
      [id],
    );

    const patch = '[{"op":"replace","path":"/confidence_level","value":1}]';
    const mended = await run("dlq", "replay", "--edit", patch, "--note", "off by a factor", "--yes");
    assert.equal(mended.exitCode, 0, mended.errors);
    assert.deepEqual(
      await query(`SELECT confidence_level, conflict FROM thinking_logs_history WHERE log_id = '${logId}'`),
      [{ confidence_level: 1, conflict: false }],
    );
    assert.deepEqual(new Set((await listAll("--state", "replayed")).map((letter) => letter.logId)), new Set([logId]));
    assert.deepEqual(await list(), []);
    assert.deepEqual(await query("SELECT decision, COUNT(*) AS n FROM dead_letter_reviews GROUP BY decision"), [
      { decision: "replay", n: 2 },
    ]);
    assert.match((await run("dlq", "replay", id, "--yes")).errors, /has been replayed and has arrived/);
  });

  it("discards, and deletes nothing", async () => {
    await publish("conversations", { mood: "good" });
    const [{ id } = assert.fail()] = await until(
      () => listAll(),
      (letters) => letters.length === 1,
    );
    const rehearsed = await json<object>("dlq", "discard", "--table", "conversations", "--dry-run");
    assert.deepEqual({ ...rehearsed, groups: undefined }, { dryRun: true, chosen: 1, groups: undefined });
    assert.equal((await listAll()).length, 1, "a dry run changes nothing");
    const done = await json<object>("dlq", "discard", "--table", "conversations", "--note", "a test", "--yes");
    assert.deepEqual({ ...done, job: undefined }, { discarded: 1, remaining: 0, job: undefined });
    assert.deepEqual(await listAll(), []);
    assert.deepEqual(
      (await list("--state", "discarded")).map(({ count }) => count),
      [1],
    );
    const { reviews, attributes } = await json<{ reviews: { note: string }[]; attributes: object }>("dlq", "show", id);
    assert.deepEqual([reviews.map(({ note }) => note), attributes], [["a test"], { team: "x" }]);
    assert.match((await run("dlq", "discard", id, "--yes")).errors, /is discarded already/);
  });

  it("replays a whole message that Pub/Sub gave up on, and knows when all of its events have arrived", async () => {
    const subscription = pubsub.subscription("agent-logs.conversations.function");
    const [{ pushConfig, deadLetterPolicy }] = await subscription.getMetadata();
    const pushEndpoint = pushConfig?.pushEndpoint ?? assert.fail();
    await subscription.setMetadata({
      deadLetterPolicy: { ...deadLetterPolicy, maxDeliveryAttempts: 5 },
      retryPolicy: { minimumBackoff: { seconds: 0 }, maximumBackoff: { seconds: 0 } },
    });
    await subscription.modifyPushConfig({ pushEndpoint: new URL("/nobody-is-here", pushEndpoint).href });
    const event = (n: number): string =>
      JSON.stringify({
        conversation_id: `given-up-${n}`,
        business_id: "acme",
        agent_position: "CFO",
        started_at: "2026-01-31T09:30:00Z",
      });
    const data = Buffer.from(`${event(0)}\n${event(1)}`);
    await pubsub.topic("agent-logs.conversations").publishMessage({ data, attributes: { format: "ndjson" } });
    const [group] = await until(
      () => list(),
      ({ length }) => length > 0,
    );
    assert.deepEqual([group?.table, group?.reason, group?.count], ["conversations", "ERR_DELIVERY_ATTEMPTS", 1]);

    await subscription.modifyPushConfig({ pushEndpoint });
    const replayed = await run("dlq", "replay", "--reason", "ERR_DELIVERY_ATTEMPTS", "--yes");
    assert.equal(replayed.exitCode, 0, replayed.errors);
    const rows = await query(
      "SELECT conversation_id FROM conversations WHERE conversation_id LIKE 'given-up-%' ORDER BY conversation_id",
    );
    assert.deepEqual(rows, [{ conversation_id: "given-up-0" }, { conversation_id: "given-up-1" }]);
    assert.deepEqual(
      (await list("--state", "replayed", "--reason", "ERR_DELIVERY_ATTEMPTS")).map(({ count }) => count),
      [1],
    );
  });

  it("interrupted and killed in the middle of a replay, is finished by the same command: each event once, as it was to be at first", async () => {
    const event = (n: number): object => ({
      conversation_id: `killed-${n}`,
      business_id: "acme",
      agent_position: "CFO",
    });
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => publish("conversations", event(n))));
    await until(
      () => list(),
      ([group]) => group?.count === 12,
    );
    const patch = '[{"op":"add","path":"/started_at","value":"2026-01-31T09:30:00Z"}]';
    const command = ["dlq", "replay", "--edit", patch, "--rate", "1", "--yes"];
    // Asked from here: a command of its own for each question may take longer than the replay.
    const arrived = async (): Promise<number> => {
      const [rows] = await bigquery.query(
        "SELECT COUNT(*) AS n FROM agent_logs.conversations WHERE conversation_id LIKE 'killed-%'",
      );
      return Number((rows as { readonly n: number }[])[0]?.n);
    };

    const first = start(command);
    await until(arrived, (count) => count > 0);
    first.process.kill("SIGINT");
    const { exitCode, out } = await first.ended;
    assert.equal(exitCode, 130);
    const report = JSON.parse(out) as { published: number; remaining: number; interrupted: boolean };
    assert.deepEqual([report.interrupted, report.published + report.remaining], [true, 12]);

    const interruptedAt = await until(arrived, (count) => count === report.published);
    const second = start(command);
    await until(arrived, (count) => count > interruptedAt);
    second.process.kill("SIGKILL");
    assert.equal((await second.ended).exitCode, null);

    const third = await run(...command);
    assert.equal(third.exitCode, 0, third.errors);
    const rows = await query(
      "SELECT log_id, conflict FROM conversations_history WHERE conversation_id LIKE 'killed-%'",
    );
    const expected = ids.map((id) => ({ log_id: logIdOfMessage("conversations", id, 0), conflict: false }));
    const byId = (a: { log_id?: unknown }, b: { log_id?: unknown }): number =>
      String(a.log_id) < String(b.log_id) ? -1 : 1;
    assert.deepEqual(rows.toSorted(byId), expected.toSorted(byId));
    assert.deepEqual(await list(), []);
  });

  it(
    "goes on by itself when broker, warehouse and function are killed during a replay",
    { skip: process.platform === "linux" ? false : "finds the services by /proc" },
    async () => {
      const event = (n: number): object => ({
        conversation_id: `restarted-${n}`,
        business_id: "acme",
        agent_position: "CFO",
      });
      await Promise.all(Array.from({ length: 12 }, (_, n) => publish("conversations", event(n))));
      await until(
        () => list(),
        ([group]) => group?.count === 12,
      );
      const patch = '[{"op":"add","path":"/started_at","value":"2026-01-31T09:30:00Z"}]';
      const replay = start(["dlq", "replay", "--edit", patch, "--rate", "3", "--wait", "60", "--yes"]);
      const sql = "SELECT COUNT(*) AS n FROM conversations_history WHERE conversation_id LIKE 'restarted-%'";
      await until(
        () => query(sql),
        ([row]) => Number(row?.["n"]) > 0,
      );
      for (const service of ["local/pubsub", "local/bigquery", "subscriber"]) {
        process.kill(dev.pidOf(service) ?? assert.fail(service), "SIGKILL");
      }
      const { exitCode, out, errors } = await replay.ended;
      assert.equal(exitCode, 0, errors);
      assert.deepEqual([(JSON.parse(out) as Replayed).published, (JSON.parse(out) as Replayed).arrived], [12, 12]);
      assert.deepEqual(await query(sql), [{ n: 12 }]);
    },
  );
});
