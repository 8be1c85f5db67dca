import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Datasets } from "@indelible/schemas/names.ts";
import { messageOf } from "../terminal/failure.ts";

/** ERR_QUERY with BigQuery's own message and with what to do about it. */
export function refusalOf(cause: unknown, datasets: Datasets): IndelibleError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return new IndelibleError("ERR_QUERY", messageOf(cause), { cause, hint: hintFor(code, datasets) });
}

function hintFor(code: unknown, { views }: Datasets): string {
  switch (code) {
    case 401:
      return "Unset INDELIBLE_WAREHOUSE_TOKEN, or set it to a token of access.json in the data folder of `indelible dev`.";
    case 403:
      return (
        `Your account needs to read the dataset ${views} and to run queries. On one machine the account is whose token ` +
        "INDELIBLE_WAREHOUSE_TOKEN is (docs/warehouse.md), and without one a reader of the views."
      );
    case 404:
      return `The views are in the dataset ${views} and named after the tables in docs/tables.md; each has a twin <table>_history with every entry.`;
    default:
      return "Correct the query: docs/tables.md lists the columns, docs/warehouse.md what the local warehouse answers.";
  }
}
