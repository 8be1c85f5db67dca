import { costItemsQuery, costRelationsSince, usableTokens } from "@indelible/schemas/cost.ts";
import { relationsWhere } from "@indelible/schemas/relations.ts";
import { tables } from "@indelible/schemas/tables.ts";
import type { Period } from "./period.ts";
import type { Warehouse } from "../warehouse.ts";
import { summaries, valuesOf, type Measure, type SummaryTable, type TextOf } from "./tables.ts";

/** What is summarized. What is undefined restricts nothing. */
export interface Scope {
  readonly agent?: string | undefined;
  readonly business?: string | undefined;
  readonly period: Period;
}

export interface Question {
  readonly query: string;
  readonly params: { readonly [name: string]: string | { readonly value: string } };
  readonly types: { readonly [name: string]: string };
}

/** Of a longer text no more is read. Unicode code points. */
const maxWhatLength = 1000;

/**
 * One row that says all of a table: `entities`, `entries`, `recent` (the newest ones, at most `maxRecent`), and the columns of its measures (see
 * `measureColumns`).
 */
export function tableQuestion(
  { bigquery, datasets }: Warehouse,
  table: SummaryTable,
  scope: Scope,
  maxRecent: number,
): Question {
  const { agent, what, measures } = summaries[table];
  const { entity, occurredAt } = tables[table];
  const conditions = conditionsOf(scope, occurredAt, agent);
  const { entities } = relationsWhere(bigquery.projectId, datasets, () => conditions);
  const columns = new Set(measures.flatMap(({ column, where }) => column ?? columnsIn(table, where ?? "")));
  const needed = [occurredAt, agent, "business_id", ...what.flatMap(columnsOf)];
  const duration = measures.find(({ kind }) => kind === "milliseconds")?.column;
  const ranked = `, counted AS (SELECT ${duration} AS ms, COUNT(*) AS n FROM found WHERE ${duration} IS NOT NULL GROUP BY ${duration}),
ranked AS (SELECT ms, SUM(n) OVER (ORDER BY ms) AS up_to, SUM(n) OVER () AS n FROM counted)`;
  const told = measures.flatMap((measure, index) =>
    Object.entries(measureColumns(table, measure, index)).map(([name, value]) => `${value} AS ${name}`),
  );
  return {
    ...parametersOf(scope),
    query: `WITH found AS (
SELECT ${entity} AS id, ${occurredAt} AS occurred_at, ${agent} AS agent, entries AS own_entries, SUBSTR(${firstText(what)}, 1, ${maxWhatLength}) AS what,
  ${[...columns].join(", ")}
FROM ${entities(table, ["entries", ...needed, ...columns])}
WHERE ${conditions}
)${duration === undefined ? "" : ranked}
SELECT COUNT(*) AS entities, SUM(own_entries) AS entries,
  ARRAY_AGG(STRUCT(id AS id, occurred_at AS occurred_at, what AS what, agent AS agent) ORDER BY occurred_at DESC, id LIMIT ${maxRecent}) AS recent,
  ${told.join(",\n  ")}
FROM found`,
  };
}

/** One row for each table that has a cost: its amounts, as in `cost_daily`. */
export function costQuestion({ bigquery, datasets }: Warehouse, scope: Scope): Question {
  return {
    ...parametersOf(scope),
    query: `SELECT table_name, SUM(input_tokens) AS input_tokens, SUM(output_tokens) AS output_tokens, SUM(total_tokens) AS total_tokens,
  SUM(cost_usd) AS cost_usd
FROM (${costItemsQuery(costRelationsSince(bigquery.projectId, datasets))})
WHERE ${conditionsOf(scope, "occurred_at", "agent_position")}
GROUP BY table_name`,
  };
}

/** The columns of the answer that say a measure, by their names. */
export function measureColumns(
  table: SummaryTable,
  measure: Measure,
  index: number,
): { readonly [name: string]: string } {
  const name = `m${index}`;
  const column = measure.column ?? "NULL";
  switch (measure.kind) {
    case "values": {
      const values = valuesOf(table, column);
      const each = values.map((value, at) => [`${name}_${at}`, `COUNTIF(${column} = '${value}')`] as const);
      return { ...Object.fromEntries(each), [`${name}_none`]: `COUNTIF(${column} IS NULL)` };
    }
    // As NUMERIC, because a sum of FLOAT64 depends on the order of its rows.
    case "average":
      return { [`${name}_sum`]: `SUM(CAST(${column} AS NUMERIC))`, [`${name}_of`]: `COUNT(${column})` };
    // Of tokens.
    case "sum":
      return { [name]: `SUM(${usableTokens(column)})` };
    case "share":
      return { [`${name}_met`]: `COUNTIF(${column})`, [`${name}_of`]: `COUNT(${column})` };
    case "milliseconds":
      return { [name]: `(SELECT MIN(ms) FROM ranked WHERE up_to * 100 >= n * ${measure.percentile ?? 50})` };
    case "count":
      return { [name]: `COUNTIF(${measure.where ?? "FALSE"})` };
  }
}

/** Both columns are required, so that the latest entry of an entity meets the condition where the entity does. */
function conditionsOf({ agent, business }: Scope, occurredAt: string, agentColumn: string): string {
  return [
    `${occurredAt} >= @since`,
    `${occurredAt} < @until`,
    ...(agent === undefined ? [] : [`${agentColumn} = @agent`]),
    ...(business === undefined ? [] : ["business_id = @business"]),
  ].join(" AND ");
}

function parametersOf({ agent, business, period }: Scope): Omit<Question, "query"> {
  return {
    params: {
      since: { value: period.since },
      until: { value: period.until },
      ...(agent !== undefined && { agent }),
      ...(business !== undefined && { business }),
    },
    types: {
      since: "TIMESTAMP",
      until: "TIMESTAMP",
      ...(agent !== undefined && { agent: "STRING" }),
      ...(business !== undefined && { business: "STRING" }),
    },
  };
}

function firstText(what: readonly TextOf<string>[]): string {
  const texts = what.map((one) =>
    typeof one === "string" ? one : `ARRAY_TO_STRING([${one[0]}, ${one[2]}], '${one[1]}')`,
  );
  return `COALESCE(${texts.map((text) => `NULLIF(TRIM(${text}), '')`).join(", ")})`;
}

function columnsOf(text: TextOf<string>): string[] {
  return typeof text === "string" ? [text] : [text[0], text[2]];
}

function columnsIn(table: SummaryTable, sql: string): string[] {
  return Object.keys(tables[table].columns).filter((name) => new RegExp(`\\b${name}\\b`).test(sql));
}
