import { styleText } from "node:util";
import { printable } from "../terminal/cell.ts";
import { counted, renderTable, thousands, type TableColumn } from "../terminal/table.ts";
import type { TableAccount } from "./accounting.ts";
import type { Report } from "./report.ts";
import type { AgentCost } from "./warehouse.ts";

/** The report for people; `notes` say what is to be expected of this run. Colours follow stdout. */
export function reportText(report: Report, notes: readonly string[]): string {
  return [
    section("What became of the events", accounts(report)),
    findings(report),
    deadLetters(report),
    notes.map((note) => `${note}\n`).join(""),
    report.costs.length === 0 ? "" : section("Cost by agent, everything in this warehouse", costs(report.costs)),
    verdict(report),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

/** A title and what stands under it. @param stream where it is going to be written, which decides about colours */
export function section(title: string, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return `${styleText("bold", title, { stream })}\n\n${text}`;
}

const right = "right";

function accounts({ tables, totals }: Report): string {
  const columns: TableColumn[] = [
    { title: "table" },
    { title: "published", align: right },
    { title: "rows", align: right },
    { title: "duplicates", align: right },
    { title: "dead letters", align: right },
    { title: "missing", align: right },
    { title: "extra", align: right },
  ];
  const cells = (name: string, account: Omit<TableAccount, "table">): string[] => [
    name,
    ...[account.published, account.rows, account.duplicates, account.deadLetters, account.missing, account.extra].map(
      thousands,
    ),
  ];
  return renderTable(columns, [...tables.map((account) => cells(account.table, account)), cells("all", totals)]);
}

function findings({ hashes, totals, wrongHashes, conflicting, missing }: Report): string {
  const lines = [
    `${thousands(totals.published)} published = ${counted(totals.rows, "row")} + ${counted(totals.duplicates, "duplicate")} + ` +
      `${counted(totals.deadLetters, "dead letter")} + ${thousands(totals.missing)} missing`,
    `${thousands(hashes.right)} of ${thousands(hashes.checked)} entry hashes right, recomputed from the stored entries`,
  ];
  const listed = [
    ["wrong hash", wrongHashes],
    ["conflicting content", conflicting],
    ["missing", missing],
  ] as const;
  for (const [what, ids] of listed) {
    if (ids.length > 0) lines.push(`${what}: ${ids.map(printable).join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}

function deadLetters({ deadLetters: groups }: Report): string {
  return groups
    .map(
      ({ table, reason, detail, count }) =>
        `${counted(count, "dead letter")} of ${printable(`${table}: ${reason}, ${detail}`)}\n`,
    )
    .join("");
}

function costs(agents: readonly AgentCost[]): string {
  const columns: TableColumn[] = [
    { title: "business" },
    { title: "agent" },
    { title: "conversations", align: right },
    { title: "tokens", align: right },
    { title: "tool calls", align: right },
    { title: "model USD", align: right },
    { title: "tools USD", align: right },
    { title: "total USD", align: right },
  ];
  return renderTable(
    columns,
    agents.map(({ business, agent, conversations, tokens, toolCalls, modelUsd, toolUsd, actionUsd }) => [
      business,
      agent,
      thousands(conversations),
      thousands(tokens),
      thousands(toolCalls),
      modelUsd.toFixed(4),
      toolUsd.toFixed(4),
      (modelUsd + toolUsd + actionUsd).toFixed(4),
    ]),
  );
}

function verdict({ complete, totals, hashes, conflicting }: Report): string {
  if (complete)
    return `${styleText("green", "Nothing is missing, nothing is extra, every hash is right.", { stream: process.stdout })}\n`;
  const problems = [
    totals.missing > 0 && `${thousands(totals.missing)} missing`,
    totals.extra > 0 && `${thousands(totals.extra)} extra`,
    hashes.right < hashes.checked && `${thousands(hashes.checked - hashes.right)} with a wrong hash`,
    conflicting.length > 0 && "entries with the same log_id and other content",
  ].filter((problem) => problem !== false);
  return `${styleText("red", `Not complete: ${problems.join(", ")}.`, { stream: process.stdout })}\n`;
}

/** Commands that a newcomer can run next. */
export const nextSteps: string = `npx indelible tail
npx indelible cost --by agent
npx indelible query "SELECT tool_name, COUNT(*) AS calls, COUNTIF(NOT success) AS failed FROM mcp_usage_logs GROUP BY tool_name ORDER BY calls DESC"
npx indelible query "SELECT subject, urgency, resolved_by, sla_met FROM escalation_logs ORDER BY escalated_at"
npx indelible dlq list
npx indelible access --table conversations --since 1h
npx indelible verify
`;
