import { purposeLabels } from "@indelible/schemas/purpose.ts";
import { jsonText } from "../terminal/json-text.ts";
import { counted, renderTable } from "../terminal/table.ts";
import { openWarehouse, rowsOf, type PlainRow } from "../warehouse.ts";
import { parametersOf } from "./parameters.ts";
import { cellOf } from "./values.ts";

export interface QueryFlags {
  readonly param: readonly string[];
  readonly purpose?: string;
  readonly json?: true;
  readonly data: string;
}

/** Runs a query and prints its rows. @throws ERR_QUERY with BigQuery's message and a hint, ERR_DEADLINE, ERR_CONFIG */
export async function runQuery(sql: string, flags: QueryFlags): Promise<void> {
  const { params, types } = parametersOf(flags.param);
  const labels = flags.purpose === undefined ? {} : purposeLabels(flags.purpose);
  const warehouse = await openWarehouse(flags.data);
  const rows = await rowsOf(warehouse, { query: sql, params, types: { ...types }, labels }, undefined, Infinity);
  const asTable = process.stdout.isTTY && flags.json !== true;
  process.stdout.write(asTable ? tableOf(rows, process.stdout.columns) : jsonText(rows));
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
