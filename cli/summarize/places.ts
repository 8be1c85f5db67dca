import type { Datasets } from "@indelible/schemas/names.ts";
import { tables } from "@indelible/schemas/tables.ts";
import type { Scope } from "./question.ts";
import { summaries, type SummaryTable } from "./tables.ts";

/** Where whoever reads a summary finds what it is about. */
export interface Place {
  readonly project: string;
  /** A warehouse on one machine has no page to link to. */
  readonly local: boolean;
  readonly datasets: Datasets;
}

/** The heading under which each file says how to ask, and the link to it. */
export const QUERY_HEADING = "Query BigQuery";
const queryAnchor = "#query-bigquery";

/**
 * Where a link to a view goes: its page in BigQuery's console, in the form in which Google's documentation links tables, or else to the section that
 * says the commands. The console has no address for a query or a row.
 */
export function linkTo(view: string, { project, local, datasets }: Place): string {
  if (local) return queryAnchor;
  const parameters = new URLSearchParams({ project, p: project, d: datasets.views, t: view, page: "table" });
  return `https://console.cloud.google.com/bigquery?${parameters.toString()}`;
}

/** GoogleSQL that gives every row that a table's summary is about. */
export function rowsSql(table: SummaryTable, scope: Scope, place: Place): string {
  const { occurredAt } = tables[table];
  return `SELECT * FROM ${viewName(place, table)}
WHERE ${occurredAt} >= ${moment(scope.period.since)} AND ${occurredAt} < ${moment(scope.period.until)}${narrowed(summaries[table].agent, scope)}
ORDER BY ${occurredAt} DESC`;
}

/** GoogleSQL that gives one of them. */
export function rowSql(table: SummaryTable, place: Place): string {
  return `SELECT * FROM ${viewName(place, table)} WHERE ${tables[table].entity} = 'BIGQUERY_ID'`;
}

/** GoogleSQL that gives what was spent. */
export function costSql(scope: Scope, place: Place): string {
  const { from, to } = scope.period;
  return `SELECT kind, SUM(total_tokens) AS tokens, SUM(cost_usd) AS cost_usd FROM ${viewName(place, "cost_daily")}
WHERE day BETWEEN '${from}' AND '${to}'${narrowed("agent_position", scope)}
GROUP BY kind`;
}

function viewName({ project, datasets }: Place, name: string): string {
  return `\`${project}.${datasets.views}.${name}\``;
}

/** To the second: both ends are midnight. */
function moment(timestamp: string): string {
  return `'${timestamp.replace(/\.000Z$/, "Z")}'`;
}

function narrowed(agentColumn: string, { agent, business }: Scope): string {
  const conditions = { [agentColumn]: agent, business_id: business };
  return Object.entries(conditions)
    .map(([name, value]) => (value === undefined ? "" : ` AND ${name} = ${literal(value)}`))
    .join("");
}

/** On one line, whatever is in it. */
function literal(text: string): string {
  const escaped = text.replaceAll(/[\\'\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x80 && code >= 0x20 ? `\\${character}` : `\\U${code.toString(16).padStart(8, "0")}`;
  });
  return `'${escaped}'`;
}
