import { IndelibleError } from "@indelible/schemas/errors.ts";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { messageOf } from "../terminal/failure.ts";

const hints: ReadonlyMap<unknown, string> = new Map([
  [401, "Unset INDELIBLE_WAREHOUSE_TOKEN, or set it to a token of access.json in the data folder of `indelible dev`."],
  [
    403,
    `Your account needs to read the dataset ${VIEWS_DATASET} and to run queries. On one machine the account is whose token ` +
      "INDELIBLE_WAREHOUSE_TOKEN is (docs/warehouse.md), and without one a reader of the views.",
  ],
  [404, "The views are named after the tables in docs/tables.md; each has a twin <table>_history with every entry."],
]);

/** ERR_QUERY with BigQuery's own message and with what to do about it. */
export function refusalOf(cause: unknown): IndelibleError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const hint =
    hints.get(code) ??
    "Correct the query: docs/tables.md lists the columns, docs/warehouse.md what the local warehouse answers.";
  return new IndelibleError("ERR_QUERY", messageOf(cause), { cause, hint });
}
