import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { TableMetadata } from "@google-cloud/bigquery";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { runExaminations, type Check, type Examination, type Finding } from "../../cli/doctor/check.ts";
import { createPushCommand, createTableStatement, createTopicCommand } from "../../cli/doctor/commands.ts";
import { deadLetterFinding } from "../../cli/doctor/dead-letters.ts";
import { dataFolder, diskSpace, nodeVersion, tokens } from "../../cli/doctor/machine.ts";
import { exitCodeOf } from "../../cli/doctor/run.ts";
import { sealFinding } from "../../cli/doctor/seals.ts";
import { commandLine, shellLines, shellWord } from "../../cli/terminal/shell-word.ts";
import { commandOn, findingsOfSurroundings, type Surroundings } from "../../cli/doctor/surroundings.ts";
import { driftOf } from "../../cli/doctor/table-drift.ts";
import { checksText } from "../../cli/doctor/text.ts";
import { clockFinding } from "../../cli/doctor/warehouse.ts";
import { printable } from "../../cli/terminal/cell.ts";

const [topic = assert.fail()] = declaredTopics();
const folder = mkdtempSync(join(tmpdir(), "indelible-doctor-"));
after(() => rmSync(folder, { recursive: true }));

describe("runExaminations()", () => {
  const one = (id: string, look: Examination["look"]): Examination => ({ id, area: "stack", look });
  const well = one("well", () => Promise.resolve([{ status: "ok", finding: "Well." }]));

  it("says of one that never answers that nothing is known, and hides no other", async () => {
    const never = one("never", () => new Promise(() => {}));
    const checks = await runExaminations([never, well], 20);
    assert.deepEqual(
      checks.map(({ id, status }) => [id, status]),
      [
        ["never", "unknown"],
        ["well", "ok"],
      ],
    );
    assert.match(checks[0]?.finding ?? "", /no answer in 0.02 s/);
  });

  it("says why one failed, and hides no other", async () => {
    const broken = one("broken", () => Promise.reject(new Error("permission\n denied")));
    const checks = await runExaminations([broken, well], 1000);
    assert.deepEqual(checks[0], {
      id: "broken",
      area: "stack",
      status: "unknown",
      finding: "broken: permission denied",
    });
    assert.equal(checks[1]?.status, "ok");
  });
});

describe("the machine", () => {
  it("needs Node 24", () => {
    assert.equal(nodeVersion("24.0.0").status, "ok");
    assert.equal(nodeVersion("22.18.0").status, "problem");
  });

  it("needs room on the disk", () => {
    assert.deepEqual(
      [2 ** 30, 2 ** 30 - 1, 2 ** 20 * 99].map((bytes) => diskSpace(".", bytes).status),
      ["ok", "warning", "problem"],
    );
  });

  it("has its room where the nearest folder is that is there", () => {
    const { status, finding } = diskSpace(join(folder, "a", "b", "c"));
    assert.notEqual(status, "unknown");
    assert.ok(finding.endsWith(` MiB are free where ${folder} is.`), finding);
    assert.match(diskSpace("no-such-folder/b").finding, / where \. is\.$/);
  });

  it("has no data folder before `indelible dev` has run", () => {
    assert.deepEqual(dataFolder(join(folder, "none")).status, "skipped");
    assert.equal(dataFolder(folder).status, "ok");
  });

  it("keeps the tokens for their owner, and says how when it does not", () => {
    assert.equal(tokens(folder).status, "skipped");
    const file = join(folder, "access.json");
    writeFileSync(file, '{"callers": []}', { mode: 0o600 });
    assert.equal(tokens(folder).status, "ok");
    chmodSync(file, 0o644);
    const { status, fix = "" } = tokens(folder);
    assert.equal(status, "problem");
    assert.match(fix, /chmod 600 /);
  });
});

describe("the surroundings", () => {
  const written = {
    GOOGLE_CLOUD_PROJECT: "indelible-local",
    PUBSUB_EMULATOR_HOST: "127.0.0.1:8085",
    CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: "http://127.0.0.1:8086/",
    BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:9050",
    BIGQUERY_STORAGE_HOST: "127.0.0.1:9060",
  };
  const of = (over: Partial<Surroundings>): readonly Finding[] =>
    findingsOfSurroundings({ data: ".indelible", variables: {}, written, running: true, ...over });

  it("are well when nothing is set, and when what is set is what runs", () => {
    assert.deepEqual(of({}), []);
    assert.deepEqual(of({ variables: { ...written, BIGQUERY_EMULATOR_HOST: "localhost:9050" } }), []);
  });

  it("are wrong when half of the variables are set", () => {
    const [finding] = of({ variables: { BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:9050", GOOGLE_CLOUD_PROJECT: "p" } });
    assert.equal(finding?.status, "problem");
    assert.match(
      finding?.finding ?? "",
      /BIGQUERY_EMULATOR_HOST is set, and PUBSUB_EMULATOR_HOST and BIGQUERY_STORAGE/,
    );
    assert.match(finding?.fix ?? "", /^unset BIGQUERY_EMULATOR_HOST GOOGLE_CLOUD_PROJECT/);
    assert.match(finding?.fix ?? "", /export PUBSUB_EMULATOR_HOST=127\.0\.0\.1:8085/);
  });

  it("are worth a warning when they name other services than those of the data folder", () => {
    const [finding] = of({ variables: { ...written, PUBSUB_EMULATOR_HOST: "127.0.0.1:1" } });
    assert.equal(finding?.status, "warning");
    assert.match(finding?.finding ?? "", /PUBSUB_EMULATOR_HOST is 127\.0\.0\.1:1, .* 127\.0\.0\.1:8085/);
  });

  it("are wrong with a project that nothing names, a prefix that nothing has, and after a kill", () => {
    const { GOOGLE_CLOUD_PROJECT: _, ...projectless } = written;
    assert.equal(of({ variables: projectless })[0]?.fix, "export GOOGLE_CLOUD_PROJECT=indelible-local");
    assert.equal(of({ variables: { INDELIBLE_TOPIC_PREFIX: "acme" } })[0]?.fix, "unset INDELIBLE_TOPIC_PREFIX");
    assert.deepEqual(of({ variables: { INDELIBLE_TOPIC_PREFIX: "" } }), []);
    assert.equal(of({ running: false, data: "d" })[0]?.fix, "indelible dev --data d");
  });
});

describe("driftOf()", () => {
  const declared = bigQueryTableOf(tables.action_logs);
  const place = { project: "p", local: false, restart: "start again", data: ".indelible" };
  const drift = (change: Partial<TableMetadata>): readonly Finding[] =>
    driftOf(
      "p.agent_logs_raw.action_logs",
      declared,
      { ...structuredClone(declared), ...change } as TableMetadata,
      place,
    );
  const fields = declared.schema.fields;

  it("is nothing of a table as declared, also with the newer names of types and a column that was added later", () => {
    assert.deepEqual(drift({}), []);
    const names: { readonly [type: string]: string } = { INTEGER: "INT64", FLOAT: "FLOAT64", BOOLEAN: "BOOL" };
    const renamed = fields.map((field) => ({ ...field, type: names[field.type] ?? field.type, mode: "NULLABLE" }));
    assert.deepEqual(drift({ schema: { fields: renamed } } as Partial<TableMetadata>), []);
  });

  it("names columns that are missing, with the statement that adds them", () => {
    const [finding, ...others] = drift({
      schema: { fields: fields.filter(({ name }) => name !== "duration_ms") },
    } as never);
    assert.deepEqual(others, []);
    assert.match(finding?.finding ?? "", /lacks 1 column: duration_ms/);
    assert.match(finding?.fix ?? "", /^bq query .*ADD COLUMN IF NOT EXISTS `duration_ms` INT64'$/);
  });

  it("names columns of another type or shape, and those that nobody has declared", () => {
    const changed = fields.map((field) => (field.name === "success" ? { ...field, type: "STRING" } : field));
    const unknown = { name: "extra", type: "STRING", mode: "NULLABLE" };
    const [other, extra] = drift({ schema: { fields: [...changed, unknown] } } as Partial<TableMetadata>);
    assert.match(other?.finding ?? "", /success is STRING instead of BOOLEAN/);
    assert.equal(extra?.status, "warning");
    assert.match(extra?.finding ?? "", /does not know: extra/);
  });

  it("names a column that may be empty by now, with the statement that lets it", () => {
    const changed = fields.map((field) => (field.name === "success" ? { ...field, mode: "REQUIRED" } : field));
    const [finding, ...others] = drift({ schema: { fields: changed } } as Partial<TableMetadata>);
    assert.deepEqual(others, []);
    assert.match(finding?.finding ?? "", /insists on success, which may be empty by now/);
    assert.match(finding?.fix ?? "", /^bq query .*ALTER COLUMN `success` DROP NOT NULL'$/);
  });

  it("names a partition, an expiration and a clustering that are not as declared", () => {
    const { timePartitioning } = declared;
    const of = (change: object): string[] =>
      drift({ timePartitioning: { ...timePartitioning, ...change } }).map(({ status, fix }) => `${status}: ${fix}`);
    assert.match(
      of({ expirationMs: "86400000" })[0] ?? "",
      /^problem: bq update .*--time_partitioning_expiration=63158400 p:agent_logs_raw\.action_logs$/,
    );
    assert.match(of({ field: "logged_at" })[0] ?? "", /^problem/);
    assert.match(drift({ clustering: { fields: [] } })[0]?.fix ?? "", /--clustering_fields=/);
  });

  it("gives no command that would shorten a retention, which somebody has lengthened", () => {
    for (const [expirationMs, keeps] of [
      [undefined, "never expire"],
      [String(3653 * 86_400_000), "expire after 3,653 days"],
    ] as const) {
      for (const local of [false, true]) {
        const timePartitioning = { ...declared.timePartitioning, expirationMs };
        const found = { ...structuredClone(declared), timePartitioning } as TableMetadata;
        assert.deepEqual(driftOf("p.agent_logs_raw.action_logs", declared, found, { ...place, local }), [
          {
            subject: "action_logs",
            status: "ok",
            finding: `Rows of action_logs ${keeps}, and are declared to expire after 731 days: they are kept longer. To shorten that would delete at once what is older.`,
          },
        ]);
      }
    }
  });

  it("has nothing on its way when a table is copied, compares before it drops, and verifies in the end", () => {
    for (const local of [false, true]) {
      const timePartitioning = { ...declared.timePartitioning, field: "logged_at" };
      const found = { ...structuredClone(declared), timePartitioning } as TableMetadata;
      const [{ fix = "" } = {}] = driftOf("p.agent_logs_raw.action_logs", declared, found, { ...place, local });
      const order = ["1. Stop ", "2. Wait until no", "3. Copy", "4. Only when both counts", "COUNT(*)", "DROP TABLE"];
      const after = ["CREATE TABLE IF NOT", "INSERT INTO", "both counts are the same.", "start", "indelible verify"];
      let at = 0;
      for (const step of [...order, ...after]) {
        const next = fix.toLowerCase().indexOf(step.toLowerCase(), at);
        assert.ok(next >= at, `${step} is not where it has to be:\n${fix}`);
        at = next + 1;
      }
    }
  });

  it("makes a statement that creates the table as it is declared", () => {
    const statement = createTableStatement("p.agent_logs_raw.action_logs", declared);
    assert.match(statement, /^CREATE TABLE IF NOT EXISTS `p\.agent_logs_raw\.action_logs` \(`/);
    assert.match(statement, /`log_id` STRING NOT NULL/);
    assert.match(statement, /PARTITION BY TIMESTAMP_TRUNC\(ingested_at, DAY\) CLUSTER BY /);
    assert.match(statement, /partition_expiration_days = 731,/);
  });
});

describe("commands to be pasted", () => {
  const words = [
    "it's",
    "a b",
    "$(touch x)",
    "`id`",
    "=ls",
    "~",
    "",
    "a\nb",
    "\u001b]0;x\u0007",
    "\u202egpj\\'",
    "é\n1",
  ];

  it("are words of a shell, whatever they are made of, and of no character that a terminal acts upon", () => {
    const script = `printf '%s\\0' ${words.map(shellWord).join(" ")} ${words.map(shellLines).join(" ")}`;
    const printed = execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
    assert.deepEqual(printed, [...words, ...words]);
    for (const word of words) assert.equal(printable(shellWord(word)), shellWord(word));
    assert.equal(shellWord("=ls"), "'=ls'");
    assert.equal(commandLine("gcloud", "--project=acme.com:p"), "gcloud --project=acme.com:p");
  });

  it("name a data folder, a project and an address in quotes when they need it", () => {
    assert.equal(commandOn("my logs; id", "seal"), "indelible seal --data 'my logs; id'");
    const where = { project: "p;id", local: false, restart: "", data: ".indelible" };
    const declared = bigQueryTableOf(tables.action_logs);
    const change: Partial<TableMetadata> = { clustering: { fields: [] } };
    const found = { ...structuredClone(declared), ...change } as TableMetadata;
    const [{ fix = "" } = {}] = driftOf("p;id.agent_logs_raw.action_logs", declared, found, where);
    assert.match(fix, / '--project_id=p;id' .* 'p;id:agent_logs_raw\.action_logs'$/);
    assert.match(createTopicCommand("p", { ...topic, id: "x y.dead-letter" }), /create 'x y\.dead-letter' --project=p/);
    assert.match(
      createPushCommand("p", "t", topic.delivery, "https://f.example/a&b"),
      /'--push-endpoint=https:[^']*a&b/,
    );
  });
});

describe("clocks and ages", () => {
  it("blames a clock only for what the time of the question does not explain", () => {
    const status = (server: number): string => clockFinding(server, 100_000, 103_000, false).status;
    assert.deepEqual([101_000, 95_001, 94_000, 108_001, 164_000].map(status), [
      "ok",
      "ok",
      "warning",
      "warning",
      "problem",
    ]);
    assert.match(clockFinding(0, 3_600_000, 3_600_000, false).finding, /60 minutes ahead of the warehouse's/);
  });

  it("knows a seal that is overdue, one that is missing for a day, and one from the future", () => {
    const at = (ageMs: number): Finding =>
      sealFinding({ at: 10 ** 9 - ageMs, commit: 1, size: 5n }, 10 ** 9, 780_000, ".indelible");
    assert.deepEqual(
      [0, 780_000, 780_001, 86_400_001, -61_000].map((ageMs) => at(ageMs).status),
      ["ok", "ok", "warning", "problem", "problem"],
    );
    assert.equal(at(780_001).fix, "indelible seal");
  });

  it("gives number and age of open dead letters", () => {
    assert.equal(deadLetterFinding(0, Number.NaN, "d").status, "ok");
    const { status, finding, fix } = deadLetterFinding(3, 3 * 86_400_000, "d");
    assert.deepEqual([status, fix], ["warning", "indelible dlq list --data d"]);
    assert.match(finding, /^3 open dead letters, the oldest 3 days old/);
    assert.equal(deadLetterFinding(1, 31 * 86_400_000, "d").status, "problem");
  });
});

describe("what is printed", () => {
  const check = (status: Check["status"], more: Partial<Check> = {}): Check => ({
    id: "x",
    area: "pubsub",
    status,
    finding: "Something is as it is, and the sentence that says so is longer than a terminal is wide.",
    ...more,
  });

  it("fits the terminal, shows no control character, and ends with the verdict", () => {
    const text = checksText([check("ok"), check("problem", { fix: "one\ntwo\u001b[31m" })], 80);
    for (const line of text.split("\n")) assert.ok(line.length <= 80, line);
    assert.ok(!text.includes("\u001b"));
    assert.match(text, /^ {4}fix: one\n {9}two/m);
    assert.match(text, /\n1 problem\.\n$/);
    assert.match(checksText([check("ok"), check("skipped")]), /\nAll is well\.\n$/);
  });

  it("has an exit code that counts warnings only when it is strict", () => {
    assert.equal(exitCodeOf([check("warning"), check("skipped")], false), 0);
    assert.equal(exitCodeOf([check("warning")], true), 1);
    assert.equal(exitCodeOf([check("unknown")], false), 1);
  });
});
