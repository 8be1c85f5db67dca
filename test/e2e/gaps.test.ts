import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { auditQueriesOf } from "@indelible/schemas/audit-queries.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { surveyOf, type Survey } from "../../cli/gaps/survey.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const projectId = "gaps-cli-test";
const second = 1_000_000;
const now = Math.floor(Date.now() / 1000) * second;
const hour = 3600 * second;

const conversation = (publisher: string, seq: number, more: Event = {}): Event => ({
  conversation_id: "c",
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-01-31T09:30:00Z",
  publisher_id: publisher,
  seq,
  ...more,
});

async function run(...args: readonly string[]): Promise<{ code: number | null; out: string; errors: string }> {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, GOOGLE_CLOUD_PROJECT: projectId },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [out, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}

async function gaps(...args: readonly string[]): Promise<{ code: number | null; survey: Survey }> {
  const { code, out, errors } = await run("gaps", ...args);
  if (out === "") throw new Error(errors);
  return { code, survey: JSON.parse(out) as Survey };
}

describe("the command line, asked for gaps and for the auditors' queries", () => {
  let warehouse: RawWarehouse;
  before(async () => {
    warehouse = await RawWarehouse.open(projectId);
  });
  after(() => warehouse?.close());

  it("indelible gaps - without any number there is no gap, and it says that it looked at nothing", async () => {
    const { code, survey } = await gaps();
    assert.deepEqual([code, survey.publishers, survey.numbers, survey.gaps], [0, 0, 0, []]);
  });

  it("indelible gaps - what may be on its way fails nothing until it is settled", async () => {
    await warehouse.write("conversations", now, conversation("late", 1), conversation("late", 3));
    const young = await gaps("--settled", "1h");
    assert.deepEqual(
      [young.code, young.survey.settled, young.survey.onTheirWay],
      [0, { ranges: 0, missing: 0 }, { ranges: 1, missing: 1 }],
    );
    const old = await gaps("--settled", "0s");
    assert.deepEqual([old.code, old.survey.settled], [1, { ranges: 1, missing: 1 }]);
  });

  it("indelible gaps - lists ranges by publisher, and only those that were asked for", async () => {
    await warehouse.write("conversations", now - 3 * hour, conversation("torn", 4));
    await warehouse.write("conversations", now - hour, conversation("torn", 6), conversation("torn", 7));
    const { code, survey } = await gaps("--publisher", "torn");
    assert.deepEqual([code, survey.publishers, survey.numbers, survey.settled], [1, 1, 3, { ranges: 2, missing: 4 }]);
    assert.deepEqual(
      survey.gaps.map(({ first_missing, last_missing, missing, settled }) => [
        first_missing,
        last_missing,
        missing,
        settled,
      ]),
      [
        [1, 3, 3, true],
        [5, 5, 1, true],
      ],
    );
    const since = await gaps("--publisher", "torn", "--since", "2h");
    assert.deepEqual([since.survey.numbers, since.survey.settled], [2, { ranges: 1, missing: 1 }]);
    const nobody = await gaps("--publisher", "' OR TRUE --");
    assert.deepEqual([nobody.code, nobody.survey.publishers, nobody.survey.gaps], [0, 0, []]);
  });

  it("surveyOf() - tells of all how much is missing, however few it lists", async () => {
    const settled = now - 1800 * second;
    const survey = await surveyOf(warehouse, { deadlineMs: 0 }, { settled }, 1);
    assert.deepEqual(
      [survey.settled, survey.onTheirWay, survey.gaps.length],
      [{ ranges: 2, missing: 4 }, { ranges: 1, missing: 1 }, 1],
    );
    assert.deepEqual(Object.keys(survey.gaps[0] ?? {}), [
      "publisher_id",
      "first_missing",
      "last_missing",
      "missing",
      "seen_before",
      "seen_after",
      "settled",
    ]);
  });

  it("indelible gaps - counts messages whose numbers it cannot see", async () => {
    await warehouse.bury(now, Buffer.from([0x1f, 0x8b, 0xff]));
    assert.equal((await gaps()).survey.unreadable, 1);
  });

  it("indelible gaps - refuses a time that is none as wrong usage", async () => {
    const { code, errors } = await run("gaps", "--since", "yesterday");
    assert.equal(code, 2);
    assert.match(errors, /neither a duration nor a timestamp.*7d/);
  });

  it("indelible audit-sql - prints a query that the warehouse answers as it is", async () => {
    const { code, out } = await run("audit-sql", "sequence_gaps");
    assert.equal(code, 0);
    assert.equal(out.trimEnd(), auditQueriesOf(projectId).find(({ name }) => name === "sequence_gaps")?.query);
    assert.equal((await warehouse.query(out)).length, 3);
  });

  it("indelible audit-sql - lists the queries, and refuses a name or a project that is none", async () => {
    const { out } = await run("audit-sql", "--list");
    for (const { name } of auditQueriesOf(projectId)) assert.match(out, new RegExp(`^${name} `, "m"));
    const unknown = await run("audit-sql", "nothing");
    assert.deepEqual([unknown.code, unknown.out], [2, ""]);
    assert.match(unknown.errors, /audit-sql --list/);
    assert.equal((await run("audit-sql", "seals_hashes", "--project", "x`; DROP")).code, 2);
    assert.match(
      (await run("audit-sql", "seals_hashes", "--project", "acme-logs")).out,
      /`acme-logs\.agent_logs_raw\.seals`/,
    );
  });
});
