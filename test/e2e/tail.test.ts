import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { eventTables } from "@indelible/schemas/events.ts";
import { rowEncoderOf } from "@indelible/schemas/protobuf.ts";
import { tables } from "@indelible/schemas/tables.ts";
import type { Line } from "../../cli/explore/line.ts";
import { Newcomers, type TailOptions } from "../../cli/tail/newcomers.ts";
import { seededRandom } from "../../local/random.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "tail-test";
const second = 1_000_000;
const base = Date.parse("2026-02-01T00:00:00Z") * 1000;
const id = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

/** What `next` gives in one go. */
async function all(newcomers: Newcomers): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const some of newcomers.next()) lines.push(...some);
  return lines;
}

const ids = (lines: readonly Line[]): string[] => lines.map(({ log_id }) => log_id);

describe("entries as they come", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
  });
  after(() => warehouse?.close());

  /** Makes a row readable whose `ingested_at` is `seconds` after the base. */
  async function put(agent: string, n: number, seconds: number, conversation = `c-${n}`): Promise<void> {
    const event = {
      log_id: id(n),
      conversation_id: conversation,
      business_id: "acme",
      agent_position: agent,
      started_at: "2026-02-01T00:00:00Z",
      user_prompt_preview: `prompt ${n}`,
    };
    const entry = canonicalize(event);
    const row = rowEncoderOf(tables.conversations)(event, {
      published_at: base,
      message_id: String(n),
      ingested_at: base + Math.round(seconds * second),
      schema_version: tables.conversations.version,
      entry,
      entry_hash: entryHash(entry),
    });
    await warehouse.appender.append("conversations", [() => row]);
  }
  const tail = (agent: string, options: TailOptions = {}): Newcomers =>
    new Newcomers(warehouse, { tables: eventTables, agent }, { overlapMs: 60_000, ...options });

  it("newest() - gives none when there are none, and next() what comes then", async () => {
    const newcomers = tail("empty", { now: () => base / 1000 });
    assert.deepEqual(await newcomers.newest(20, true), []);
    await put("empty", 1, 0);
    assert.deepEqual(ids(await all(newcomers)), [id(1)]);
  });

  it("newest() - gives each of the newest once, the oldest first, and next() none of those before", async () => {
    for (const [n, seconds] of [
      [1, 0],
      [2, 10],
      [3, 20],
      [3, 20.5],
      [4, 30],
    ] as const)
      await put("newest", n, seconds);
    const newcomers = tail("newest");
    assert.deepEqual(ids(await newcomers.newest(3, true)), [id(3), id(4)]);
    assert.deepEqual(await all(newcomers), []);
  });

  it("next() - gives what becomes readable late and out of order, each once, whatever the size of a page", async () => {
    const random = seededRandom(7, "tail");
    const newcomers = tail("late", { pageSize: 7 });
    await put("late", 0, 0);
    await newcomers.newest(1, true);
    // By the second in which it becomes readable; some are of the same append, some are delivered twice.
    const due = Array.from({ length: 25 }, (_, n) => ({ n: n + 1, at: Math.floor(n / 5) * 7, late: random() * 55 }))
      .flatMap((row) => (random() < 0.2 ? [row, { ...row, late: random() * 55 }] : [row]))
      .toSorted((a, b) => a.at + a.late - (b.at + b.late));
    const given: string[] = [];
    for (const [index, { n, at }] of due.entries()) {
      await put("late", n, at);
      if (index % 6 === 5) given.push(...ids(await all(newcomers)));
    }
    given.push(...ids(await all(newcomers)));
    assert.equal(given.length, new Set(given).size);
    assert.deepEqual(
      given.toSorted(),
      Array.from({ length: 25 }, (_, n) => id(n + 1)),
    );
  });

  it("next() - a writer whose clock is ahead does not hide what the others write", async () => {
    const newcomers = tail("ahead", { now: () => base / 1000 + 100_000 });
    await put("ahead", 1, 0);
    await newcomers.newest(1, true);
    await put("ahead", 2, 1_000_000);
    assert.deepEqual(ids(await all(newcomers)), [id(2)]);
    await put("ahead", 3, 90);
    assert.deepEqual(ids(await all(newcomers)), [id(3)]);
  });

  it("next() - begins at a time, and says when more came than can be remembered, and gives nothing twice then", async () => {
    let overflows = 0;
    const newcomers = tail("many", { maxRemembered: 3, onOverflow: () => (overflows += 1) });
    for (let n = 1; n <= 6; n += 1) await put("many", n, n);
    newcomers.startAt(base + 2 * second);
    assert.deepEqual(ids(await all(newcomers)), [2, 3, 4, 5, 6].map(id));
    assert.equal(overflows, 1);
    assert.deepEqual(await all(newcomers), []);
  });

  it("says of each entry what, by whom, with what outcome", async () => {
    await put("said", 9, 5);
    const [line] = await tail("said").newest(1, true);
    assert.deepEqual(
      { ...line, ingested_at: undefined },
      {
        table_name: "conversations",
        kind: "conversation",
        log_id: id(9),
        entity_id: "c-9",
        happened_at: "2026-02-01T00:00:00.000Z",
        agent: "said",
        conversation_id: "c-9",
        title: "prompt 9",
        outcome: "started",
        tokens: null,
        cost_usd: null,
        ingested_at: undefined,
      },
    );
  });

  it("indelible tail - a line of JSON each in a pipe, and nothing where there is nothing", async () => {
    await put("pipe", 11, 1);
    await put("pipe", 12, 2);
    const { code, out } = await run("tail", "--agent", "pipe");
    const lines = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    assert.deepEqual([code, ids(lines)], [0, [id(11), id(12)]]);
    assert.deepEqual(await run("tail", "--agent", "nobody"), { code: 0, out: "", errors: "" });
  });

  it(
    "indelible tail --follow - prints what comes, and ends with 130 when it is interrupted",
    { timeout: 60_000 },
    async () => {
      const child = start("tail", "--follow", "--agent", "follow", "--interval", "0.1", "--lines", "1");
      const closed = once(child, "close");
      const lines = createInterface(child.stdout);
      await put("follow", 21, 1);
      const [first] = (await once(lines, "line")) as [string];
      assert.equal((JSON.parse(first) as Line).log_id, id(21));
      const next = once(lines, "line") as Promise<[string]>;
      await put("follow", 22, 2);
      assert.equal((JSON.parse((await next)[0]) as Line).log_id, id(22));
      child.kill("SIGINT");
      assert.deepEqual(await closed, [130, null]);
    },
  );

  it(
    "indelible tail - ends when it is interrupted, although nobody reads what it prints",
    { timeout: 60_000 },
    async (t) => {
      // More than a pipe holds.
      for (let n = 0; n < 40; n += 1) await put("unread", 100 + n, n, "x".repeat(50_000));
      for (const [more, end] of [
        [[], [null, "SIGINT"]],
        [["--follow"], [130, null]],
      ] as const) {
        const child = start("tail", "--since", "2026-02-01T00:00:00Z", "--agent", "unread", ...more);
        t.after(() => child.kill("SIGKILL"));
        const exited = once(child, "exit");
        await once(child.stdout, "readable");
        child.kill("SIGINT");
        assert.deepEqual(await exited, end, more.join(" "));
        child.stdout.destroy();
      }
    },
  );

  it("indelible tail - wrong options are wrong usage", async () => {
    for (const wrong of [
      ["--table", "nope"],
      ["--lines", "-1"],
      ["--since", "yesterday"],
      ["--interval", "0"],
    ])
      assert.equal((await run("tail", ...wrong)).code, 2, wrong.join(" "));
  });
});

function start(...args: readonly string[]) {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  return spawn(process.execPath, [main, ...args], {
    env: { ...process.env, GOOGLE_CLOUD_PROJECT: projectId },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function run(...args: readonly string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const child = start(...args);
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}
