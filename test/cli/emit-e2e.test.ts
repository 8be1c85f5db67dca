import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { EmitReport } from "../../cli/emit/report.ts";
import { DataFolder, Dev } from "../e2e/dev.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly errors: string;
}

interface Started {
  readonly process: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** Resolves when what it printed on stdout has `text`. */
  readonly printed: (text: RegExp) => Promise<void>;
}

/** This process without what its own shell says about Google's services. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(PUBSUB|BIGQUERY|GOOGLE|CLOUDSDK|INDELIBLE)_/.test(name)),
);

function start(
  args: readonly string[],
  { env = {}, stdin = "pipe" }: { env?: { readonly [name: string]: string }; stdin?: "pipe" | number } = {},
): Started {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...environment, ...env },
    stdio: [stdin, "pipe", "pipe"],
  }) as ChildProcessWithoutNullStreams;
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = once(child, "close").then(([exitCode]) => ({ exitCode: exitCode as number | null, out, errors }));
  const printed = async (text: RegExp): Promise<void> => {
    while (!text.test(out)) await once(child.stdout, "data");
  };
  return { process: child, ended, printed };
}

describe("indelible emit without services", () => {
  const acme = ["emit", "--table", "action_logs", "--business-id", "acme", "--agent-position", "COO"];
  // Nobody listens on port 1.
  const away = { PUBSUB_EMULATOR_HOST: "127.0.0.1:1", GOOGLE_CLOUD_PROJECT: "p" };

  it("ends with 2 when an option is wrong", async () => {
    for (const wrong of [["--table", "nope"], ["--deadline", "soon"], ["--business-id", ""], ["--nope"]]) {
      const { process: child, ended } = start(["emit", ...wrong]);
      child.stdin.end();
      assert.equal((await ended).exitCode, 2, wrong.join(" "));
    }
  });

  it("ends with 0 when nothing comes in", async () => {
    const { process: child, ended } = start([...acme, "--json"], { env: away });
    child.stdin.end();
    const { exitCode, out } = await ended;
    assert.equal(exitCode, 0);
    assert.equal((JSON.parse(out) as EmitReport).read, 0);
  });

  it("ends with 1 at the deadline, and says what is outstanding and why", async () => {
    const { process: child, ended } = start([...acme, "--json", "--deadline", "6"], { env: away });
    child.stdin.end("{}\n{}\n");
    const { exitCode, out, errors } = await ended;
    assert.equal(exitCode, 1);
    const { accepted, outstanding, refused } = JSON.parse(out) as EmitReport;
    assert.deepEqual([accepted, outstanding, refused], [2, 2, 0]);
    assert.match(errors, /ERR_PUBLISH[\s\S]*ECONNREFUSED/);
  });

  it("says what to do when a broker is named without a project", async () => {
    const { process: child, ended } = start([...acme, "--data", "/nonexistent"], {
      env: { PUBSUB_EMULATOR_HOST: "127.0.0.1:1" },
    });
    child.stdin.end("{}\n");
    const { exitCode, errors } = await ended;
    assert.equal(exitCode, 1);
    assert.match(errors, /ERR_CONFIG[\s\S]*--project/);
  });
});

describe("indelible emit, over the services of one machine", () => {
  const folder = new DataFolder();
  const data = join(folder.path, "data");
  const acme = ["emit", "--data", data, "--business-id", "acme", "--agent-position", "COO"];
  let dev: Dev;

  before(async () => {
    dev = new Dev(folder, []);
    await dev.running();
  });
  after(async () => {
    dev?.process.kill("SIGTERM");
    await dev?.ended();
    folder[Symbol.dispose]();
  });

  async function query<Row>(sql: string): Promise<Row[]> {
    const { out, errors } = await start(["query", "--data", data, sql]).ended;
    if (out === "") throw new Error(errors);
    return JSON.parse(out) as Row[];
  }

  /** Rows when there are so many: what was published arrives in its own time. */
  async function rowsOf(
    business: string,
    count: number,
  ): Promise<{ log_id: string; target: string; conflict: boolean }[]> {
    for (;;) {
      const rows = await query<{ log_id: string; target: string; conflict: boolean }>(
        `SELECT log_id, action_target AS target, conflict FROM action_logs_history WHERE business_id = '${business}' ORDER BY seq`,
      );
      if (rows.length >= count) return rows;
    }
  }

  it("makes rows of the good lines in their order, dead letters of what does not fit, and names the bad ones", async () => {
    const { process: child, ended } = start([...acme, "--table", "action_logs", "--ids", "--json"]);
    for (let line = 1; line <= 300; line += 1) {
      child.stdin.write(
        line % 100 === 0 ? "{broken\n" : line === 7 ? '{"cost_usd":-1}\n' : `{"action_target":"${line}"}\n`,
      );
    }
    child.stdin.end('{"action_target":"301"}');
    const { exitCode, out, errors } = await ended;
    assert.equal(exitCode, 1, "three lines are no events");
    assert.deepEqual(
      errors.match(/line \d+: ERR_NOT_JSON/g),
      [100, 200, 300].map((n) => `line ${n}: ERR_NOT_JSON`),
    );
    const lines = out.trimEnd().split("\n");
    const report = JSON.parse(lines.pop() ?? "") as EmitReport;
    assert.deepEqual(report, {
      read: 301,
      accepted: 298,
      acknowledged: 298,
      spooled: 0,
      refused: 3,
      outstanding: 0,
      interrupted: false,
      tables: [{ table: "action_logs", accepted: 298, refused: 3 }],
      refusals: { ERR_NOT_JSON: 3 },
    });
    const rows = await rowsOf("acme", 297);
    assert.deepEqual(
      rows.map(({ log_id }) => log_id),
      lines.toSpliced(6, 1),
    );
    assert.deepEqual([rows[0]?.target, rows.at(-1)?.target], ["1", "301"]);
    const letters = `SELECT reason FROM dead_letters_history WHERE source_log_id = '${lines[6]}'`;
    while ((await query(letters)).length === 0);
    assert.deepEqual(await query(letters), [{ reason: "ERR_INVALID_EVENT" }]);
  });

  it("adds nothing when a file is emitted again under the same --source", async () => {
    const file = join(folder.path, "events.ndjson");
    const event = (n: number): object => ({
      business_id: "twice",
      action_target: String(n),
      started_at: "2026-01-31T09:30:00Z",
      ...(n === 3 && { log_id: "01930000-0000-7000-8000-000000000001" }),
    });
    const lines = Array.from({ length: 200 }, (_, n) => JSON.stringify({ table: "action_logs", event: event(n) }));
    writeFileSync(file, lines.join("\r\n"));
    for (let time = 0; time < 2; time += 1) {
      const { ended } = start([...acme, "--source", "events.ndjson", "--strict"], { stdin: openSync(file, "r") });
      const { exitCode, errors } = await ended;
      assert.equal(exitCode, 0, errors);
      assert.match(errors, /\n200 lines: 200 acknowledged\n$/);
    }
    // What comes later has gone behind both.
    const last = start([...acme, "--table", "action_logs", "--business-id", "later"]);
    last.process.stdin.end("{}\n");
    assert.equal((await last.ended).exitCode, 0);
    await rowsOf("later", 1);
    const rows = await rowsOf("twice", 200);
    assert.equal(rows.length, 200);
    assert.ok(rows.every(({ conflict }) => !conflict));
    assert.deepEqual(
      rows.map(({ target }) => target),
      lines.map((_, n) => String(n)),
    );
  });

  it("sends lines while more may come, and at a signal what was written before it", async () => {
    const running = start([...acme, "--table", "action_logs", "--business-id", "follow", "--ids", "--json"]);
    running.process.stdin.write('{"action_target":"1"}\n');
    await rowsOf("follow", 1);
    running.process.stdin.write('{"action_target":"2"}\n');
    await running.printed(/\n.*\n/);
    running.process.kill("SIGTERM");
    const { exitCode, out } = await running.ended;
    assert.equal(exitCode, 130, "the input had not ended");
    const report = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as EmitReport;
    assert.deepEqual([report.acknowledged, report.outstanding, report.interrupted], [2, 0, true]);
    assert.equal((await rowsOf("follow", 2)).length, 2);
  });

  it("goes on when nobody reads the IDs any more", async () => {
    const { process: child, ended } = start([...acme, "--table", "action_logs", "--business-id", "unread", "--ids"]);
    child.stdout.destroy();
    child.stdin.end("{}\n".repeat(500));
    const { exitCode, errors } = await ended;
    assert.equal(exitCode, 0, errors);
    assert.match(errors, /Nobody reads stdout any more[\s\S]*500 lines: 500 acknowledged/);
  });
});
