import { thousands } from "../terminal/table.ts";
import { dollarText } from "./dollars.ts";
import { markdownCell, markdownTable, NOTHING } from "./markdown-cell.ts";
import { linkTo, QUERY_HEADING, rowSql, rowsSql, type Place } from "./places.ts";
import type { Scope } from "./question.ts";
import type { Spent, TableSummary, Total } from "./survey.ts";
import { summaries } from "./tables.ts";

/** What every file says first: the files are no record. */
export const TRUTH = "This is a summary view. Full details in BigQuery.";

/** IDs are shown whole: no table allows a longer one. */
const idWidth = 256;

/** The Markdown of one table's summary. The same for the same log, scope and place. */
export function tableDocument(summary: TableSummary, scope: Scope, place: Place): string {
  const { table, entities, recent } = summary;
  const { title, plural, singular } = summaries[table];
  const link = linkTo(table, place);
  const rows = recent.map(({ at, what, agent, id }) => [
    at.slice(0, 10),
    markdownCell(what ?? ""),
    markdownCell(agent),
    `[${markdownCell(id, idWidth)}](${link})`,
  ]);
  const more = entities - recent.length;
  const remark =
    entities === 0 ? "None in these days.\n\n" : more > 0 ? `And ${thousands(more)} more, not listed here.\n\n` : "";
  return `# ${title}

${TRUTH}

## Recent ${plural} (${daysText(scope)})

${markdownTable(["Date", singular, "Agent", "BigQuery ID"], rows)}
${remark}[Query BigQuery for Full Details](${link})

## Totals

${scopeText(scope)}

${markdownTable(["Total", "Value"], totalRows(summary, plural))}
## ${QUERY_HEADING}

One of them, by the ID in the table above; the command shows its history and its integrity too:

\`\`\`sh
indelible show BIGQUERY_ID
\`\`\`

\`\`\`sql
${rowSql(table, place)}
\`\`\`

All of them:

\`\`\`sql
${rowsSql(table, scope, place)}
\`\`\`
`;
}

/** `Last 7 Days` */
export function daysText({ period: { days } }: Scope): string {
  return days === 1 ? "Last Day" : `Last ${days} Days`;
}

/** Of which days and agents a file is. */
export function scopeText({ period: { from, to }, agent, business }: Scope): string {
  const days = from === to ? `Of ${to} (UTC)` : `From ${from} to ${to} (UTC)`;
  const who = agent === undefined ? "all agents" : `agent ${markdownCell(agent)}`;
  return `${days}, ${who}${business === undefined ? "" : `, business ${markdownCell(business)}`}.`;
}

/** A count that may be missing. */
export function countText(count: number | null): string {
  return count === null ? NOTHING : thousands(count);
}

export function costText(nanos: bigint | null): string {
  return nanos === null ? NOTHING : dollarText(nanos);
}

function totalRows({ entities, entries, totals, spent }: TableSummary, plural: string): string[][] {
  return [
    [plural, thousands(entities)],
    ["Log entries", thousands(entries)],
    ...totals.map((total) => [total.label, totalText(total)]),
    ...(spent === undefined ? [] : spentRows(spent)),
  ];
}

function totalText(total: Total): string {
  switch (total.kind) {
    case "values": {
      const some = total.values.filter(({ count }) => count > 0);
      return some.length === 0 ? NOTHING : some.map(({ value, count }) => `${value} ${thousands(count)}`).join(", ");
    }
    case "average":
      return total.average === null ? NOTHING : total.average.toFixed(2);
    case "sum":
      return countText(total.sum);
    case "share":
      return total.of === 0
        ? NOTHING
        : `${thousands(total.met)} of ${thousands(total.of)} (${((100 * total.met) / total.of).toFixed(1)} %)`;
    case "milliseconds":
      return total.ms === null ? NOTHING : `${thousands(total.ms)} ms`;
    case "count":
      return thousands(total.count);
  }
}

/** What another table counts is not here a second time. */
function spentRows({ inputTokens, outputTokens, totalTokens, nanos }: Spent): string[][] {
  const parts =
    inputTokens === null && outputTokens === null
      ? ""
      : ` (${countText(inputTokens)} in, ${countText(outputTokens)} out)`;
  return [
    ["Tokens", `${countText(totalTokens)}${parts}`],
    ["Cost in USD", costText(nanos)],
  ];
}
