import { IndelibleError } from "@indelible/schemas/errors.ts";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { messageOf } from "../terminal/failure.ts";

/** ERR_QUERY with BigQuery's own message and with what to do about it. */
export function refusalOf(cause: unknown): IndelibleError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  const hint =
    code === 404
      ? "The views are named after the tables in docs/tables.md; each has a twin <table>_history with every entry."
      : code === 403
        ? `Your account needs to read the dataset ${VIEWS_DATASET} and to run queries.`
        : "Correct the query: docs/tables.md lists the columns, docs/warehouse.md what the local warehouse answers.";
  return new IndelibleError("ERR_QUERY", messageOf(cause), { cause, hint });
}
