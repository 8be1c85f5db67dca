import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { InvalidArgumentError } from "commander";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { tableNames } from "@indelible/schemas/tables.ts";
import { remedyFor } from "../../cli/retention/remedy.ts";
import type { RetentionSurvey, TableRetention } from "../../cli/retention/survey.ts";
import { partitionsText, surveyText } from "../../cli/retention/text.ts";
import { durationOption, durationText } from "../../cli/retention/within.ts";

const DAY_MS = 86_400_000;
const here = { project: "p", local: true, datasets: defaultDatasets };
const cloud = { project: "p", local: false, datasets: defaultDatasets };

const table: TableRetention = {
  table: "mcp_usage_logs",
  declaredYears: 1,
  declaredDays: 366,
  keptDays: 366,
  state: "ok",
  rows: 10_000_000,
  oldestDay: "2029-06-01",
  next: { day: "2029-06-01", rows: 27_322, expiresAt: "2030-06-02T00:00:00.000Z" },
  within: { days: 30, rows: 819_660 },
  partitions: [
    { day: "2029-06-01", rows: 27_322, expiresAt: "2030-06-02T00:00:00.000Z" },
    { day: "2029-06-02", rows: 1, expiresAt: "2030-06-03T00:00:00.000Z" },
  ],
};
const nothing = { rows: 0, oldestDay: null, next: null, within: { days: 0, rows: 0 }, partitions: [] } as const;
const surveyOf = (tables: readonly TableRetention[], withinMs = 30 * DAY_MS): RetentionSurvey => ({
  now: "2030-06-01T12:00:00.000Z",
  withinMs,
  tables,
});

describe("indelible retention on a terminal", () => {
  it("fits 80 columns with every table of ten million rows", () => {
    const tables = tableNames.map((name): TableRetention => ({
      ...table,
      table: name,
      state: "shorter",
      keptDays: 30,
    }));
    for (const line of stripVTControlCharacters(surveyText(surveyOf(tables), here, 80)).split("\n")) {
      // Sentences are for the terminal to wrap.
      if (/^(dead|table|─|[a-z_]+ {2,})/.test(line) && !line.includes(", ")) assert.ok(line.length <= 80, line);
    }
  });

  it("says what is kept, what is held, and what expires", () => {
    const text = surveyText(surveyOf([table, { ...table, ...nothing, table: "seals", declaredYears: 7 }]), here, 80);
    assert.equal(
      stripVTControlCharacters(text),
      `What tables keep, a partition a day of UTC

table           declared  in days  warehouse  state
──────────────  ────────  ───────  ─────────  ─────
mcp_usage_logs    1 year      366        366  ok
seals            7 years      366        366  ok

What they hold, and when it expires

table                 rows  oldest day  expires     rows then  in 30 d
──────────────  ──────────  ──────────  ──────────  ─────────  ───────
mcp_usage_logs  10,000,000  2029-06-01  2030-06-02     27,322  819,660
seals                    0  —           —                   —        0

819,660 rows expire in 30 d from 2030-06-01 12:00:00Z, by the clock of the warehouse.
`,
    );
  });

  it("names the tables that keep less, and those that keep more, each kind once and with what to do", () => {
    const text = surveyText(
      surveyOf([
        { ...table, state: "shorter", keptDays: 30 },
        { ...table, table: "seals", state: "missing", keptDays: null },
        { ...table, table: "action_logs", state: "never", keptDays: null, next: null },
        { ...table, table: "thinking_logs", state: "longer", keptDays: 400 },
        { ...table, table: "dead_letters", state: "longer", keptDays: 400 },
      ]),
      here,
      80,
    );
    const plain = stripVTControlCharacters(text);
    assert.match(plain, /^shorter than declared {2}mcp_usage_logs\nStart `indelible dev` again, which lengthens it\./m);
    assert.match(plain, /^table missing {2}seals\n/m);
    assert.match(plain, /^never expires {2}action_logs\nIt stays so until/m);
    assert.match(plain, /^longer than declared {2}thinking_logs, dead_letters\nIt stays so until/m);
    assert.match(plain, /^2 tables keep less than declared\. 4,098,300 rows expire/m);
  });

  it("in the cloud, gives the command for each table", () => {
    const remedy = remedyFor({ ...table, state: "shorter" }, cloud);
    assert.match(
      remedy ?? "",
      /bq query --project_id p --use_legacy_sql=false "ALTER TABLE agent_logs_raw\.mcp_usage_logs SET OPTIONS \(partition_expiration_days = 366\)"/,
    );
    assert.equal(remedyFor(table, cloud), undefined);
    assert.match(remedyFor({ ...table, state: "unknown" }, cloud) ?? "", /bigquery\.tables\.get/);
  });

  it("names the dataset of tables as it is called there", () => {
    const staging = { ...cloud, datasets: { raw: "staging_raw", views: "staging" } };
    assert.match(remedyFor({ ...table, state: "shorter" }, staging) ?? "", /ALTER TABLE staging_raw\.mcp_usage_logs /);
    assert.match(remedyFor({ ...table, state: "unknown" }, staging) ?? "", /bigquery\.tables\.get on staging_raw\./);
  });

  it("lists the days of one table, with how long they have", () => {
    const { now } = surveyOf([]);
    const text = stripVTControlCharacters(partitionsText(table, table.partitions, now, here, 80));
    assert.equal(
      text,
      `day           rows  expires     days left
──────────  ──────  ──────────  ─────────
2029-06-01  27,322  2030-06-02          1
2029-06-02       1  2030-06-03          2

mcp_usage_logs: 10,000,000 rows on 2 days; kept for 366 days, declared are 366.
`,
    );
    const some = partitionsText(table, table.partitions.slice(0, 1), now, here, 80);
    assert.match(some, /on 2 days, of which 1 is shown; kept/);
    const never = { ...table, state: "never", keptDays: null } as const;
    assert.match(
      partitionsText(never, [{ day: "2029-06-01", rows: 1, expiresAt: null }], now, here, 80),
      /2029-06-01 +1 +never +—\n\n.*; never expires, declared are 366\.\nIt stays so/s,
    );
    assert.equal(
      partitionsText({ ...table, ...nothing }, [], now, here, 80),
      "mcp_usage_logs: 0 rows on 0 days; kept for 366 days, declared are 366.\n",
    );
  });

  it("an expiry that is not at midnight has its time", () => {
    const odd = { day: "2029-06-01", rows: 1, expiresAt: "2029-06-01T06:00:00.000Z" };
    const text = partitionsText(table, [odd], "2030-06-01T00:00:00Z", here, 80);
    assert.match(text, /2029-06-01 06:00:00Z +0\n/);
  });
});

describe("--within", () => {
  it("takes hours, days and weeks, and says them in days where it can", () => {
    assert.deepEqual(
      ["12h", "30d", "8w", "48h"].map((text) => durationText(durationOption(text))),
      ["12 h", "30 d", "56 d", "2 d"],
    );
    for (const text of ["", "30", "d", "1.5d", "-1d", "1y", "30 d", "123456d"])
      assert.throws(() => durationOption(text), InvalidArgumentError, text);
  });
});
