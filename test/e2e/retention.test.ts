import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RAW_DATASET } from "@indelible/schemas/names.ts";
import { warehouseRoleNames, type WarehouseRoleName } from "@indelible/schemas/rights.ts";
import { tableNames, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { policyWith } from "../../cli/dev/access.ts";
import { retentionOf, type RetentionSurvey, type TableRetention } from "../../cli/retention/survey.ts";
import { toolCall } from "../tamper/events.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "retention-cli-test";
const DAY = 86_400_000;
const present = "2030-06-01T12:00:00Z";
const tokens = Object.fromEntries(warehouseRoleNames.map((role) => [role, role.padEnd(43, "x")])) as {
  [R in WarehouseRoleName]: string;
};

const conversation = (id: string): Event => ({
  conversation_id: id,
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2029-06-01T00:00:00Z",
});

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** The command as a person of this role runs it in a pipe. */
function retention(role: WarehouseRoleName, ...args: readonly string[]): Promise<Run> {
  return run({ INDELIBLE_WAREHOUSE_TOKEN: tokens[role] }, args);
}

async function run(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<Run> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, "retention", ...args], {
    env: { ...process.env, GOOGLE_CLOUD_PROJECT: projectId, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}

describe("indelible retention, of a warehouse in the year 2030", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-retention-"));
  let stampMs = 0;
  let warehouse: RawWarehouse;
  before(async () => {
    const access = join(folder, "access.json");
    writeFileSync(access, JSON.stringify({ ...policyWith(tokens), anonymous: "admin" }), { mode: 0o600 });
    warehouse = await RawWarehouse.open(projectId, ["--access", access, "--now", present], () => stampMs);
  });
  after(async () => {
    await warehouse?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  /** Writes events that come in at this time. */
  const writeAt = async (time: string, table: TableName, ...events: readonly Event[]): Promise<void> => {
    stampMs = Date.parse(time);
    await warehouse.write(table, stampMs * 1000, ...events);
  };
  const retain = async (table: TableName, days: number | null): Promise<void> => {
    const expirationMs = (days === null ? null : String(days * DAY)) as string;
    const timePartitioning = { type: "DAY", field: "ingested_at", expirationMs };
    await warehouse.bigquery.dataset(RAW_DATASET).table(table).setMetadata({ timePartitioning });
  };
  const tableOf = (survey: RetentionSurvey, name: TableName): TableRetention =>
    survey.tables.find(({ table }) => table === name) as TableRetention;

  it("with no data: every table keeps what is declared, and nothing expires", async () => {
    const survey = await retentionOf({ reader: warehouse, auditor: warehouse });
    assert.equal(survey.now.slice(0, 10), present.slice(0, 10));
    assert.deepEqual(
      survey.tables.map(({ table }) => table),
      tableNames,
    );
    for (const { table, state, rows, oldestDay, next, within } of survey.tables)
      assert.deepEqual([state, rows, oldestDay, next, within], ["ok", 0, null, null, { days: 0, rows: 0 }], table);
    assert.deepEqual((await retention("auditor")).code, 0);
    const { code, out } = await retention("auditor", "thinking_logs");
    assert.deepEqual([code, (JSON.parse(out) as TableRetention).partitions], [0, []]);
  });

  it("says what there is, what expires next, and what within a time", async () => {
    // 366 days: to 2 June, 21 June and 10 July 2030.
    await writeAt("2029-06-01T00:00:00Z", "mcp_usage_logs", toolCall("1"), toolCall("2"));
    await writeAt("2029-06-01T23:59:59Z", "mcp_usage_logs", toolCall("3"));
    await writeAt("2029-06-20T12:00:00Z", "mcp_usage_logs", toolCall("4"));
    await writeAt("2029-07-09T12:00:00Z", "mcp_usage_logs", toolCall("5"), toolCall("6"));
    await writeAt("2030-05-01T12:00:00Z", "conversations", conversation("c"));
    const calls = tableOf(await retentionOf({ reader: warehouse, auditor: warehouse }), "mcp_usage_logs");
    assert.deepEqual(calls, {
      table: "mcp_usage_logs",
      declaredYears: 1,
      declaredDays: 366,
      keptDays: 366,
      state: "ok",
      rows: 6,
      oldestDay: "2029-06-01",
      next: { day: "2029-06-01", rows: 3, expiresAt: "2030-06-02T00:00:00.000Z" },
      within: { days: 2, rows: 4 },
      partitions: [
        { day: "2029-06-01", rows: 3, expiresAt: "2030-06-02T00:00:00.000Z" },
        { day: "2029-06-20", rows: 1, expiresAt: "2030-06-21T00:00:00.000Z" },
        { day: "2029-07-09", rows: 2, expiresAt: "2030-07-10T00:00:00.000Z" },
      ],
    } satisfies TableRetention);
    const { code, out } = await retention("auditor", "--within", "8w");
    const survey = JSON.parse(out) as RetentionSurvey;
    assert.deepEqual([code, tableOf(survey, "mcp_usage_logs").within], [0, { days: 3, rows: 6 }]);
    assert.deepEqual(tableOf(survey, "conversations").next?.expiresAt, "2037-05-01T00:00:00.000Z");
    assert.equal("partitions" in tableOf(survey, "conversations"), false, "days are shown of one table");
    const soon = JSON.parse((await retention("auditor", "mcp_usage_logs", "--within", "12h")).out) as TableRetention;
    assert.deepEqual(
      soon.partitions.map(({ day }) => day),
      ["2029-06-01"],
    );
  });

  it("a reader of the views sees days, reckoned by the declaration, and that it is not known what tables keep", async () => {
    const { code, out, errors } = await retention("reader");
    assert.equal(code, 0, errors);
    const calls = tableOf(JSON.parse(out) as RetentionSurvey, "mcp_usage_logs");
    assert.deepEqual([calls.state, calls.keptDays, calls.rows], ["unknown", null, 6]);
    assert.equal(calls.next?.expiresAt, "2030-06-02T00:00:00.000Z");
    assert.match(JSON.stringify(calls), /Ask as an auditor/);
  });

  it("a table that keeps less than declared, or is not there, is told with what mends it; one that keeps more is no failure", async () => {
    await retain("thinking_logs", 5000);
    await retain("action_logs", null);
    await retain("seals", 100_000_000);
    const kept = await retention("auditor");
    assert.equal(kept.code, 0, "to keep more is an operator's choice");
    await retain("conversations", 30);
    await warehouse.query(`DROP TABLE ${RAW_DATASET}.decision_logs`);
    const { code, out } = await retention("auditor");
    assert.equal(code, 1);
    const survey = JSON.parse(out) as { tables: (TableRetention & { remedy: string | null })[] };
    const states = survey.tables.map(({ table, state, keptDays, remedy }) => [table, state, keptDays, remedy !== null]);
    assert.deepEqual(
      states.filter(([, state]) => state !== "ok"),
      [
        ["conversations", "shorter", 30, true],
        ["thinking_logs", "longer", 5000, true],
        ["decision_logs", "missing", null, true],
        ["action_logs", "never", null, true],
        ["seals", "longer", 100_000_000, true],
      ],
    );
    const rows = survey.tables.find(({ table }) => table === "conversations")?.rows;
    assert.equal(rows, 0, "the warehouse has taken the day away");
  });

  it("says what to start when the warehouse does not answer", async () => {
    const { code, out, errors } = await run({ BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:1" }, []);
    assert.deepEqual([code, out], [1, ""]);
    assert.match(errors, /the warehouse does not answer[^]*Start `indelible dev`/);
  });

  it("refuses a table that there is not, and a time that is none, as wrong usage", async () => {
    for (const args of [["nothing"], ["--within", "soon"], ["--within", "30"], ["conversations", "more"]])
      assert.equal((await retention("auditor", ...args)).code, 2, args.join(" "));
  });
});
