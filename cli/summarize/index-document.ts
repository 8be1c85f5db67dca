import { thousands } from "../terminal/table.ts";
import { costText, countText, daysText, scopeText, TRUTH } from "./document.ts";
import { markdownTable, NOTHING } from "./markdown-cell.ts";
import { costSql, linkTo, QUERY_HEADING, type Place } from "./places.ts";
import type { Scope } from "./question.ts";
import type { Spent, TableSummary } from "./survey.ts";
import { summaries, type SummaryTable } from "./tables.ts";

/** Shown by GitHub for a folder. */
export const INDEX_FILE = "README.md";

/** The file of a table's summary. Nothing that was logged is in a path. */
export function fileOf(table: SummaryTable): string {
  return `${table}.md`;
}

/** What these tables have cost together, each token and each dollar once; null where none says anything. */
export function spentInAll(tables: readonly TableSummary[]): Pick<Spent, "totalTokens" | "nanos"> {
  const costly = tables.flatMap(({ spent }) => (spent === undefined ? [] : [spent]));
  const tokens = costly.flatMap(({ totalTokens }) => totalTokens ?? []);
  const nanos = costly.flatMap((spent) => spent.nanos ?? []);
  return {
    totalTokens: tokens.length === 0 ? null : tokens.reduce((sum, value) => sum + value, 0),
    nanos: nanos.length === 0 ? null : nanos.reduce((sum, value) => sum + value, 0n),
  };
}

/** The Markdown of the index. The same for the same log, scope and place. */
export function indexDocument(tables: readonly TableSummary[], scope: Scope, place: Place): string {
  const rows = tables.map(({ table, entities, entries, recent, spent }) => [
    `[${summaries[table].plural}](${fileOf(table)})`,
    thousands(entities),
    thousands(entries),
    recent[0]?.at.slice(0, 10) ?? NOTHING,
    countText(spent?.totalTokens ?? null),
    costText(spent?.nanos ?? null),
  ]);
  const { totalTokens, nanos } = spentInAll(tables);
  const sum = (of: "entities" | "entries"): string => thousands(tables.reduce((total, table) => total + table[of], 0));
  const last =
    tables
      .flatMap(({ recent }) => recent[0]?.at.slice(0, 10) ?? [])
      .toSorted()
      .at(-1) ?? NOTHING;
  const total = ["In all", sum("entities"), sum("entries"), last, countText(totalTokens), costText(nanos)];
  return `# Log Summary

${TRUTH}

## Tables (${daysText(scope)})

${scopeText(scope)}

${markdownTable(["Table", "Rows", "Log Entries", "Last", "Tokens", "Cost (USD)"], [...rows, total])}
Each token and each dollar is in one table only: what an action says once more of a conversation or a tool call is not added.

[Query BigQuery for Full Details](${linkTo("cost_daily", place)})

## ${QUERY_HEADING}

\`\`\`sql
${costSql(scope, place)}
\`\`\`
`;
}
