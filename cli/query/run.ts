import type { Query } from "@google-cloud/bigquery";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { purposeLabels } from "@indelible/schemas/purpose.ts";
import { bigQueryClient, projectOf } from "../clients.ts";
import { findEnvironment } from "../environment.ts";
import { isTransient } from "../retry.ts";
import { jsonText } from "../terminal/json-text.ts";
import { counted, renderTable } from "../terminal/table.ts";
import { parametersOf } from "./parameters.ts";
import { refusalOf } from "./refusal.ts";
import { cellOf, plainValue } from "./values.ts";

export interface QueryFlags {
  readonly param: readonly string[];
  readonly purpose?: string;
  readonly json?: true;
  readonly data: string;
}

/** Runs a query and prints its rows. @throws ERR_QUERY with BigQuery's message and a hint */
export async function runQuery(sql: string, flags: QueryFlags): Promise<void> {
  const { params, types } = parametersOf(flags.param);
  const labels = flags.purpose === undefined ? {} : purposeLabels(flags.purpose);
  const { project, local } = findEnvironment(flags.data);
  const rows = await ask(project, local, { query: sql, params, types: { ...types }, labels });
  const asTable = process.stdout.isTTY && flags.json !== true;
  process.stdout.write(asTable ? tableOf(rows, process.stdout.columns) : jsonText(rows));
}

export type PlainRow = { readonly [column: string]: unknown };

/** The rows that answer a query on the views, as plain JSON. @throws ERR_QUERY, ERR_DEADLINE */
export async function ask(project: string | undefined, local: boolean, query: Query): Promise<readonly PlainRow[]> {
  const bigquery = bigQueryClient(project, local);
  const projectId = await projectOf(bigquery, project);
  try {
    const [rows] = await bigquery.query(
      { ...query, defaultDataset: { projectId, datasetId: VIEWS_DATASET } },
      { wrapIntegers: true, parseJSON: true },
    );
    return (rows as readonly unknown[]).map((row) => plainValue(row) as PlainRow);
  } catch (cause) {
    throw explain(cause, local);
  }
}

function explain(cause: unknown, local: boolean): IndelibleError {
  if (isTransient(cause)) {
    const hint = local ? "Start `indelible dev`, and ask again while it is running." : "Try again in a moment.";
    return new IndelibleError("ERR_DEADLINE", "the warehouse does not answer", { cause, hint });
  }
  return refusalOf(cause);
}

function tableOf(rows: readonly PlainRow[], width: number): string {
  const [first] = rows;
  if (first === undefined) return "no rows\n";
  const names = Object.keys(first);
  const columns = names.map((title) => {
    const isNumeric = rows.every((row) => row[title] === null || typeof row[title] === "number");
    return { title, align: isNumeric ? ("right" as const) : ("left" as const) };
  });
  const cells = rows.map((row) => names.map((name) => cellOf(row[name])));
  return `${renderTable(columns, cells, width)}${counted(rows.length, "row")}\n`;
}
