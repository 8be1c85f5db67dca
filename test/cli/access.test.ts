import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Query } from "@google-cloud/bigquery";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { AccessAudit, type Ask, type Read } from "../../cli/access/audit.ts";
import { moreText, nothingText, readsText } from "../../cli/access/text.ts";
import { timeOf } from "../../cli/time-range.ts";
import type { PlainRow } from "../../cli/warehouse.ts";

const filter = {
  table: "conversations",
  since: "2026-01-01T00:00:00.000000Z",
  until: undefined,
  principal: undefined,
  except: [],
} as const;
const row = {
  accessed_at: "2026-01-31T09:30:00.123456000Z",
  principal: "auditor@acme.example",
  access_type: "query",
  rows_read: 1200,
  bytes_read: null,
  purpose: "invoice-check",
  caller_ip: "203.0.113.7",
  caller_user_agent: "gcloud-node-bigquery/8.3.1,gzip(gfe)",
  statement: "SELECT *\n  FROM conversations",
  destination: null,
  job_id: "projects/p/jobs/j",
  publisher_id: null,
};

/** Answers a question for copies with `copies`, one list a question, and any other with `rows`. */
function answers(
  rows: readonly PlainRow[],
  ...copies: readonly string[][]
): { audit: AccessAudit; asked: Query[]; ask: Ask } {
  const asked: Query[] = [];
  const ask: Ask = async (query) => {
    asked.push(query);
    if (!query.query?.startsWith("SELECT DISTINCT destination")) return rows;
    return (copies[asked.length - 1] ?? []).map((destination) => ({ destination }));
  };
  return { audit: new AccessAudit({ project: "p", datasets: defaultDatasets }, ask), asked, ask };
}

describe("reads()", () => {
  it("asks for the table, its history and its raw table, and tells copies from them", async () => {
    const full_names = ["p.scratch.mine", "p.agent_logs_raw.conversations", "p.agent_logs.conversations"];
    const copy = "projects/p/datasets/scratch/tables/mine";
    const { audit, asked } = answers([{ ...row, full_names }], [copy], [copy]);
    const reads = await audit.reads({ ...filter, limit: 10 });
    assert.deepEqual(reads, [
      { ...row, tables: ["agent_logs.conversations", "agent_logs_raw.conversations"], copies: ["p.scratch.mine"] },
    ]);
    assert.equal(asked.length, 3, "a question for copies of the table, one for copies of the copy, one for reads");
    const { tables, ...params } = asked.at(-1)!.params as { tables: string[]; [name: string]: unknown };
    assert.deepEqual(tables.slice(0, 4), ["conversations", "conversations_history", "*", "c*"]);
    assert.deepEqual(params, {
      datasets: ["agent_logs_raw", "agent_logs"],
      project: "p",
      copies: [copy],
      since: { value: "2026-01-01T00:00:00.000000Z" },
    });
  });

  it("follows copies of copies, and ends where they turn in a ring", async () => {
    const names = ["a", "b", "c"].map((name) => `projects/p/datasets/d/tables/${name}`);
    const [a = "", b = "", c = ""] = names;
    const { audit, asked } = answers([], [a], [b, a], [c, a], [a, b, c]);
    await audit.reads({ ...filter, limit: 10 });
    const { copies } = asked.at(-1)!.params as { copies: string[] };
    assert.deepEqual(copies, names);
  });

  it("knows a copy by its table, whatever part of it was written", async () => {
    const { audit, asked } = answers([]);
    await audit.reads({ ...filter, limit: 10 });
    assert.match(asked[0]?.query ?? "", /REGEXP_REPLACE\(destination, r'\[\$@\]\.\*\$', ''\)/);
  });

  it("asks for no copy among the log's own tables, where one may have been restored, but for others in its datasets", async () => {
    const { audit, asked } = answers([]);
    await audit.reads({ ...filter, limit: 10 });
    const { query, params } = asked[0] ?? {};
    assert.match(query ?? "", /destination NOT IN UNNEST\(@own\)/);
    const { own } = params as { own: string[] };
    for (const name of ["agent_logs_raw/tables/conversations", "agent_logs/tables/thinking_logs_history"]) {
      assert.ok(own.includes(`projects/p/datasets/${name}`), name);
    }
    assert.ok(own.every((name) => !name.endsWith("/mine")));
  });

  it("says when there are more copies than it follows, and only then", async () => {
    const names = (count: number): string[] =>
      Array.from({ length: count }, (_, index) => `projects/p/datasets/d/tables/t${index}`);
    const cases = [
      { copies: [names(3), names(3)], cut: false },
      { copies: [names(1000)], cut: true },
      { copies: Array.from({ length: 8 }, (_, generation) => names(generation + 1)), cut: true },
      { copies: [...Array.from({ length: 7 }, (_, generation) => names(generation + 1)), names(7)], cut: false },
    ];
    for (const { copies, cut } of cases) {
      let isCut = false;
      const { ask } = answers([], ...copies);
      const audit = new AccessAudit({ project: "p", datasets: defaultDatasets }, ask, () => (isCut = true));
      await audit.reads({ ...filter, limit: 10 });
      assert.equal(isCut, cut);
    }
  });

  it("restricts account and time by parameters, never by text", async () => {
    const { audit, asked } = answers([]);
    const principal = "x' OR TRUE --";
    await audit.reads({ ...filter, until: "2026-02-01T00:00:00.000000Z", principal, limit: 10 });
    const { query, params } = asked.at(-1) ?? {};
    assert.match(query ?? "", /accessed_at < @until AND principal = @principal/);
    assert.equal((params as { principal: string }).principal, principal);
  });

  it("leaves out the reads of accounts, and hints at it when one of them fills the list", async () => {
    const { audit, asked } = answers([]);
    await audit.reads({ ...filter, except: ["sealer@acme.example"], limit: 10 });
    const { query, params } = asked.at(-1) ?? {};
    assert.match(query ?? "", /principal NOT IN UNNEST\(@except\)/);
    assert.deepEqual((params as { except: string[] }).except, ["sealer@acme.example"]);

    const read = { ...row, tables: [], copies: [] } as unknown as Read;
    const sealers = [
      read,
      { ...read, principal: "sealer\u001b@acme.example" },
      { ...read, principal: "sealer\u001b@acme.example" },
    ];
    assert.match(moreText(sealers), /newest 3: .*--except sealer\\u\{1b\}@acme\.example/);
    assert.equal(moreText([read, { ...read, principal: "other" }]), "These are the newest 2: --limit shows more.\n");
  });
});

describe("readsText()", () => {
  const read: Read = {
    ...row,
    tables: ["agent_logs.conversations", "agent_logs.conversations_history", "agent_logs_raw.conversations"],
    copies: [],
  };

  it("shows when, who, how, what, why and from where, each line within the terminal's width", () => {
    const text = readsText([read, { ...read, statement: `SELECT ${"x, ".repeat(500)}` }], 200);
    for (const line of text.split("\n")) assert.ok(line.length <= 200, line);
    assert.match(
      text,
      /2026-01-31 09:30:00Z {2}auditor@acme.example {2}query {2}agent_logs.conversations {2}1,200 +— {2}invoice-check {2}203.0.113.7 gcloud-node-bigquery\/8.3.1 {2}SELECT \* FROM conversations/,
    );
    assert.match(text, /…\n2 reads\n$/);
  });

  it("is readable on 80 columns too", () => {
    for (const line of readsText([read], 80).split("\n")) assert.ok(line.length <= 80, line);
  });

  it("shows copies and where they went", () => {
    const copied: Read = { ...read, access_type: "copy", destination: "projects/p/datasets/scratch/tables/mine" };
    assert.match(readsText([copied], 300), /copy → p.scratch.mine/);
    assert.match(readsText([{ ...copied, destination: "gs://bucket/x" }], 300), /copy → gs:\/\/bucket\/x/);
    const ofCopy: Read = { ...read, tables: [], copies: ["p.scratch.mine"] };
    assert.match(readsText([ofCopy], 300), /p.scratch.mine \(a copy\)/);
  });

  it("shows who reported a read that the warehouse did not record itself, and escapes what would move the cursor", () => {
    const reported: Read = { ...read, publisher_id: "platform-1", purpose: "\u001b[2J" };
    const text = readsText([reported], 300);
    assert.match(text, /\(reported by platform-1\)/);
    assert.ok(!text.includes("\u001b"));
  });
});

describe("nothingText()", () => {
  it("tells that nobody read it from an audit that is off", () => {
    assert.equal(
      nothingText(filter, "2026-01-30T08:00:00.5Z"),
      "Nobody read conversations since 2026-01-01 00:00:00Z, as far as the access audit tells: its newest record is of 2026-01-30 08:00:00Z.",
    );
    assert.match(
      nothingText({ ...filter, table: undefined, principal: "ceo@acme.example" }, "2026-01-30T08:00:00Z"),
      /^ceo@acme.example did not read the log since/,
    );
    assert.match(
      nothingText({ ...filter, except: ["sealer@acme.example", "x\u001b"] }, "2026-01-30T08:00:00Z"),
      /^Nobody but sealer@acme\.example, x\\u\{1b\} read conversations since/,
    );
    assert.match(nothingText(filter, undefined), /no records at all.*it is off, or nothing has been read yet/);
  });
});

describe("timeOf()", () => {
  const now = Date.UTC(2026, 0, 31, 12);
  it("reads durations before now and RFC 3339, in microseconds", () => {
    assert.equal(timeOf("--since", "30m", now), (now - 30 * 60_000) * 1000);
    assert.equal(timeOf("--since", "12h", now), (now - 12 * 3_600_000) * 1000);
    assert.equal(timeOf("--since", "7d", now), (now - 7 * 86_400_000) * 1000);
    assert.equal(timeOf("--until", "2026-01-31T13:00:00.5+01:00", now), now * 1000 + 500_000);
  });
  for (const text of ["", "7", "7w", "yesterday", "2026-01-31", "-1d", "1.5h"]) {
    it(`refuses ${JSON.stringify(text)} with what it takes`, () => {
      assert.throws(() => timeOf("--until", text, now), /--until .* is neither a duration nor a timestamp/);
    });
  }
});

describe("indelible access", () => {
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  async function run(...args: string[]): Promise<{ code: number | null; text: string }> {
    const env = { ...process.env, BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:1", GOOGLE_CLOUD_PROJECT: "p" };
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part) => (text += part));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, text };
  }

  it("has help with examples and exit codes, as query has for --purpose", async () => {
    const { code, text } = await run("access", "--help");
    assert.equal(code, 0);
    assert.match(text, /Exit codes: 0 answered.*Examples:.*indelible access --table conversations --since 7d/s);
    assert.match((await run("query", "--help")).text, /--purpose <text>.*--purpose "complaint 4711/s);
  });

  const failures: readonly (readonly [string[], number, RegExp])[] = [
    [["access", "--table", "conversation"], 2, /One of: conversations, thinking_logs/],
    [["access", "--since", "yesterday"], 2, /--since.*neither a duration nor a timestamp. Give 30m, 2h or 7d/],
    [["access", "--until", "tomorrow"], 2, /--until.*neither a duration nor a timestamp. Give 30m, 2h or 7d/],
    [["access", "--since", "1h", "--until", "2h"], 2, /--until must be later than --since/],
    [["seal", "--margin", "x"], 2, /--margin.*Whole seconds/],
    [["seal", "--margin", "-1"], 2, /--margin.*Whole seconds/],
    [["gaps", "--settled", "x"], 2, /'--settled <age>' argument 'x' is invalid. It is neither a duration nor/],
    [["access"], 1, /ERR_DEADLINE: the warehouse does not answer\nfix: Start `indelible dev`/],
    [["query", "SELECT 1", "--purpose", ""], 2, /--purpose.*the purpose has 0 bytes\. Say in a sentence/],
  ];
  for (const [args, exitCode, message] of failures) {
    it(`${args.join(" ")}: exit code ${exitCode}, and the fix`, async () => {
      const { code, text } = await run(...args);
      assert.match(text, message);
      assert.equal(code, exitCode);
    });
  }
});
