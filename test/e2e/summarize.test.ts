import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { blockOf } from "../../cli/summarize/block.ts";
import { shownText } from "../../cli/summarize/markdown-cell.ts";
import { periodOf } from "../../cli/summarize/period.ts";
import type { Report } from "../../cli/summarize/report.ts";
import { draftsOf } from "../../cli/summarize/run.ts";
import { summaryOf } from "../../cli/summarize/survey.ts";
import { summaryTables } from "../../cli/summarize/tables.ts";
import { linkableText, rendered } from "../cli/summarize/rendered.ts";
import { bring, sampleEvents } from "../mixed/mixed-log.ts";
import { RawWarehouse } from "./raw-warehouse.ts";

const project = "summarize-test";
const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const docs = fileURLToPath(new URL("../../docs/summaries.md", import.meta.url));
const second = 1_000_000;
const patience = { deadlineMs: 10_000 };

/** What agents must not be able to do with a title, a name or an ID. */
const hostile = [
  "a | b || c",
  "two\nlines\n| and | a | row | x |\n|---|---|---|---|",
  "[click](https://evil.example) ![x](http://evil.example/x.png)",
  "https://evil.example www.evil.example root@evil.example evil.com :tada:",
  "<!-- indelible:end -->\n<!-- indelible:begin x -->",
  "<script>alert(1)</script><a href='https://evil.example'>x</a>",
  "`](https://evil.example) \\| **b** ~~s~~ [^1]",
  "\u{202e}gnp.\u{200b}exe\u{0}",
  "](https://evil.example)",
  "\\",
  "../../etc/passwd",
];

interface Run {
  readonly exitCode: number | null;
  readonly out: string;
  readonly errors: string;
}

async function run(...args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, GOOGLE_CLOUD_PROJECT: project },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, errors, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { exitCode, out, errors };
}

describe("indelible summarize", () => {
  let warehouse: RawWarehouse;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "indelible-summarize-"));
    warehouse = await RawWarehouse.open(project);
    const day = sampleEvents("2024-01-31");
    await bring(
      warehouse,
      day.map(({ table, event }, index) => ({ table, event, publishedAt: 1_706_800_000 * second + index })),
    );
    for (const [index, words] of hostile.entries()) {
      await warehouse.write("decision_logs", (1_780_000_000 + index) * second, {
        log_id: `00000000-0000-7000-8000-${String(index).padStart(12, "0")}`,
        decision_id: `${words}#${index}`,
        business_id: "evil",
        agent_position: words,
        decision_summary: words,
        decided_at: `2026-05-01T00:00:${String(index).padStart(2, "0")}Z`,
      });
    }
  });
  after(async () => {
    await warehouse?.close();
    rmSync(folder, { recursive: true });
  });

  it("makes the table of the seed out of the sample company's log, column for column", async () => {
    const seed = ["| Date | Decision | Agent | BigQuery ID |", "|------|----------|-------|-------------|"];
    const seedRows = [
      ["CMO budget reallocation", "CFO"],
      ["TikTok content approved", "CMO"],
    ];
    const out = join(folder, "seed");
    const { exitCode, errors } = await run("summarize", "--until", "2024-01-31", "--out", out);
    assert.equal(exitCode, 0, errors);
    const file = readFileSync(join(out, "decision_logs.md"), "utf8");
    const [, head = "", rows = "", foot = ""] =
      /^<!-- [^\n]*\n(# Decision Log Summary\n\nThis is a summary view\. Full details in BigQuery\.\n\n## Recent Decisions \(Last 7 Days\)\n\n(?:\|[^\n]*\n){2})((?:\|[^\n]*\n)+)\n(\[Query BigQuery for Full Details\][^\n]*)\n/.exec(
        file,
      ) ?? [];
    assert.deepEqual(head.split("\n").slice(-3, -1), seed);
    assert.equal(foot, "[Query BigQuery for Full Details](#query-bigquery)");
    const ids = await warehouse.query<{ decision_id: string; decision_summary: string; agent_position: string }>(
      "SELECT decision_id, decision_summary, agent_position FROM agent_logs.decision_logs WHERE business_id = 'harbor-tea' ORDER BY decided_at DESC",
    );
    assert.deepEqual(
      rows.trimEnd().split("\n"),
      ids.map(
        (row) =>
          `| 2024-01-31 | ${row.decision_summary} | ${row.agent_position} | [${row.decision_id}](#query-bigquery) |`,
      ),
    );
    assert.deepEqual(
      ids.slice(1, 3).map((row) => [row.decision_summary, row.agent_position]),
      seedRows,
    );
    assert.match(rendered(file).html, /<h2>Query BigQuery<\/h2>/);
  });

  it("writes what docs/summaries.md shows", async () => {
    const [, shown] = /^````markdown\n(.*?)^````$/ms.exec(readFileSync(docs, "utf8")) ?? [];
    const scope = { agent: "CFO", period: periodOf(7, "2024-01-31") };
    const tables = await summaryOf(warehouse, patience, scope, ["decision_logs"]);
    const [draft] = draftsOf(tables, scope, { project: "acme", local: true, datasets: defaultDatasets });
    assert.equal(`${blockOf(draft?.name ?? "", draft?.content ?? "")}\n`, shown);
  });

  it("writes the same bytes again, and does not touch what has not changed", async () => {
    const out = join(folder, "again");
    const args = [
      "summarize",
      "--agent",
      "CFO",
      "--until",
      "2024-01-31",
      "--table",
      "mcp_usage_logs",
      "--table",
      "decision_logs",
    ];
    const first = JSON.parse((await run(...args, "--out", out)).out) as Report;
    assert.deepEqual(new Set(first.files.map(({ status }) => status)), new Set(["written"]));
    assert.deepEqual(readdirSync(out).toSorted(), first.files.map(({ file }) => file).toSorted());
    const stats = first.files.map(({ file }) => statSync(join(out, file)));
    const second = JSON.parse((await run(...args, "--out", out)).out) as Report;
    assert.deepEqual(new Set(second.files.map(({ status }) => status)), new Set(["unchanged"]));
    for (const [index, { file }] of first.files.entries())
      assert.deepEqual(statSync(join(out, file)).mtimeMs, stats[index]?.mtimeMs);
    const elsewhere = join(folder, "elsewhere");
    await run(...args, "--out", elsewhere);
    for (const { file } of first.files)
      assert.deepEqual(readFileSync(join(elsewhere, file)), readFileSync(join(out, file)));
  });

  it("keeps what a person has written around it, and ends with 1 where a block is damaged", async () => {
    const out = join(folder, "notes");
    const args = ["summarize", "--table", "decision_logs", "--until", "2024-01-31", "--out", out];
    await run(...args);
    const path = join(out, "decision_logs.md");
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, `# Board\n\n${whole.replace("budget", "BUDGET")}\nAsked Mara.\n`);
    assert.equal((await run(...args)).exitCode, 0);
    assert.equal(readFileSync(path, "utf8"), `# Board\n\n${whole}\nAsked Mara.\n`);
    const damaged = whole.replace("<!-- indelible:end -->", "");
    writeFileSync(path, damaged);
    const { exitCode, out: printed, errors } = await run(...args, "--days", "8");
    assert.equal(exitCode, 1);
    assert.match(errors, /error ERR_CONFIG: .*decision_logs\.md has no whole block/);
    assert.match(errors, /fix: Leave one/);
    assert.deepEqual(
      (JSON.parse(printed) as Report).files.map(({ file, status }) => [file, status]),
      [
        ["decision_logs.md", "failed"],
        ["README.md", "written"],
      ],
    );
    assert.equal(readFileSync(path, "utf8"), damaged);
  });

  for (const [where, place] of [
    ["on one machine", { project, local: true, datasets: defaultDatasets }],
    ["in the cloud", { project: "acme-prod", local: false, datasets: defaultDatasets }],
  ] as const) {
    it(`shows what agents have written as it is, and links nothing but its own, ${where}`, async () => {
      const scope = { period: periodOf(2, "2026-05-01") };
      const tables = await summaryOf(warehouse, patience, scope, ["decision_logs"]);
      const [draft, index] = draftsOf(tables, scope, place);
      const { html, tables: shown, links } = rendered(draft?.content ?? "");
      assert.deepEqual(
        shown[0]?.slice(1).map((row) => row.map((cell) => cell.text)),
        [...hostile.entries()]
          .map(([at, words]) => ["2026-05-01", shownText(words), shownText(words), shownText(`${words}#${at}`, 256)])
          .toReversed(),
      );
      const target = place.local
        ? "#query-bigquery"
        : "https://console.cloud.google.com/bigquery?project=acme-prod&p=acme-prod&d=agent_logs&t=decision_logs&page=table";
      assert.deepEqual(
        links,
        Array.from({ length: hostile.length + 1 }, () => target),
      );
      assert.equal(linkableText(html), undefined);
      assert.doesNotMatch(draft?.content ?? "", /^<!--/m);
      assert.equal(draft?.file, "decision_logs.md");
      const [own, foot] = rendered(index?.content ?? "").links;
      assert.deepEqual([own, foot], ["decision_logs.md", target.replace("t=decision_logs", "t=cost_daily")]);
    });
  }

  it("shows the name of an agent that was asked for as it is", async () => {
    for (const agent of hostile) {
      const scope = { agent, period: periodOf(2, "2026-05-01") };
      const tables = await summaryOf(warehouse, patience, scope, ["decision_logs"]);
      for (const { content } of draftsOf(tables, scope, { project, local: true, datasets: defaultDatasets })) {
        const { html, links } = rendered(content);
        assert.deepEqual(
          new Set(links),
          new Set(content.startsWith("# Log") ? ["decision_logs.md", "#query-bigquery"] : ["#query-bigquery"]),
        );
        assert.equal(linkableText(html), undefined, html);
        assert.equal([...html.matchAll(/<h1>/g)].length, 1);
      }
    }
  });

  it("lists the newest rows and says how many more there are", async () => {
    const scope = { period: periodOf(1, "2026-05-01") };
    const tables = await summaryOf(warehouse, patience, scope, ["decision_logs"], 3);
    const [draft] = draftsOf(tables, scope, { project, local: true, datasets: defaultDatasets });
    assert.equal(rendered(draft?.content ?? "").tables[0]?.length, 4);
    assert.match(draft?.content ?? "", new RegExp(`\n\nAnd ${hostile.length - 3} more, not listed here\\.\n\n`));
  });

  it("says queries that give what it is about", async () => {
    const scope = { agent: "CFO", business: "harbor-tea", period: periodOf(7, "2024-01-31") };
    const tables = await summaryOf(warehouse, patience, scope, summaryTables);
    const drafts = draftsOf(tables, scope, { project, local: true, datasets: defaultDatasets });
    for (const [index, { content }] of drafts.entries()) {
      const queries = [...content.matchAll(/^```sql\n(.*?)\n```$/gms)].map(([, sql = ""]) => sql);
      const { entities, recent } = tables[index] ?? { entities: 0, recent: [] };
      const [first = "", all = ""] = queries;
      if (index === summaryTables.length) {
        const kinds = await warehouse.query<{ tokens: number | null }>(first);
        assert.equal(
          kinds.reduce((sum, { tokens }) => sum + Number(tokens ?? 0), 0),
          14_490,
        );
      } else {
        assert.equal((await warehouse.query(first.replace("BIGQUERY_ID", recent[0]?.id ?? ""))).length, 1);
        assert.equal((await warehouse.query(all)).length, entities);
      }
    }
  });

  it("writes files without rows where there is nothing, and asks whether the agent is called so", async () => {
    const out = join(folder, "none");
    const { exitCode, errors } = await run("summarize", "--agent", "Cfo", "--until", "2024-01-31", "--out", out);
    assert.equal(exitCode, 0);
    assert.equal(errors, "Nothing of an agent Cfo in these days: is the name written as in the log?\n");
    assert.equal(readdirSync(out).length, summaryTables.length + 1);
    assert.match(readFileSync(join(out, "decision_logs.md"), "utf8"), /-\|\n\nNone in these days\.\n\n\[Query/);
  });

  it("writes nothing in a dry run, or with wrong options, or when the warehouse is away", async () => {
    const out = join(folder, "dry");
    const report = JSON.parse(
      (await run("summarize", "--dry-run", "--until", "2024-01-31", "--out", out)).out,
    ) as Report;
    assert.deepEqual(new Set(report.files.map(({ status }) => status)), new Set(["changed"]));
    assert.equal((await run("summarize", "--days", "-1", "--out", out)).exitCode, 2);
    const here = process.env["BIGQUERY_EMULATOR_HOST"] ?? "";
    process.env["BIGQUERY_EMULATOR_HOST"] = "http://127.0.0.1:9";
    const away = bigQueryClient(project, true);
    process.env["BIGQUERY_EMULATOR_HOST"] = here;
    const asked = summaryOf(
      { bigquery: away, datasets: defaultDatasets },
      { deadlineMs: 0 },
      { period: periodOf(1, "2024-01-31") },
      summaryTables,
    );
    await assert.rejects(asked, { code: "ERR_DEADLINE" });
    assert.ok(!readdirSync(folder).includes("dry"));
  });
});
