import { status } from "@grpc/grpc-js";
import { duckdbTable, tableName } from "../catalog.ts";
import { StatementFault } from "../sql/errors.ts";
import { tokenize } from "../sql/lexer.ts";
import { parseExpression } from "../sql/parser/expressions.ts";
import { TokenStream } from "../sql/parser/stream.ts";
import { QueryError, explainEngineError, translate } from "../sql/translate.ts";
import { StatusError } from "../storage-write/status.ts";
import { quoteName } from "../table-schema.ts";
import type { TableRef } from "../sql/translate.ts";

/** The number of a row, which grows with each row that is appended, beside the table's own columns. */
export const ROW_NUMBER = "_indelible_row";

const MAX_BYTES = 1024 * 1024;
/** What would select other rows each time that it is asked. */
const unsteady: ReadonlySet<string> = new Set([
  "CURRENT_DATE",
  "CURRENT_DATETIME",
  "CURRENT_TIMESTAMP",
  "GENERATE_UUID",
]);

/**
 * The rows of a table under a restriction, as a subquery for DuckDB that has the table's columns and {@link ROW_NUMBER}.
 * @param restriction a condition in GoogleSQL, or "" for all rows.
 * @throws {StatusError} INVALID_ARGUMENT
 */
export function restrictedRows(table: TableRef, restriction: string): string {
  const rows = `(SELECT rowid AS ${quoteName(ROW_NUMBER)}, * FROM ${duckdbTable(table)})`;
  if (restriction.trim() === "") return rows;
  if (Buffer.byteLength(restriction) > MAX_BYTES) {
    const message = `read_session.read_options.row_restriction exceeded maximum allowed length. Maximum bytes allowed: ${MAX_BYTES}`;
    throw new StatusError(status.INVALID_ARGUMENT, message);
  }
  try {
    checkCondition(restriction);
    const { projectId, datasetId, tableId } = table;
    // The line break ends a comment that the condition may end with.
    const { sql } = translate(`SELECT * FROM \`${tableId}\` WHERE (${restriction}\n)`, {
      projectId,
      defaultDataset: { projectId, datasetId },
      parameters: [],
      parameterMode: "NONE",
      resolveTable: () => rows,
    });
    return `(${sql})`;
  } catch (error) {
    if (error instanceof StatementFault || error instanceof QueryError)
      throw invalidFilter(table, restriction, error.message);
    throw error;
  }
}

/** What DuckDB makes of a restriction that cannot be evaluated, in BigQuery's words. */
export function explainRestriction(table: TableRef, restriction: string, error: unknown): StatusError {
  const { message } = explainEngineError(error instanceof Error ? error.message : String(error));
  return invalidFilter(table, restriction, message);
}

/** One expression over the table's own columns: whatever follows it, and whatever reads something else, is refused. */
function checkCondition(restriction: string): void {
  for (const { kind, text, start } of tokenize(restriction)) {
    if (kind === "parameter") throw new StatementFault("Query parameters cannot be used here", start);
    if (kind !== "identifier") continue;
    const word = text.toUpperCase();
    if (word === "SELECT") throw new StatementFault("Subqueries are not supported in a row restriction", start);
    if (unsteady.has(word))
      throw new StatementFault(`${word} is not supported in a row restriction: use a constant`, start);
  }
  const stream = new TokenStream(restriction);
  parseExpression(stream);
  if (stream.peek().kind !== "end") throw stream.unexpected("end of input");
}

function invalidFilter(table: TableRef, restriction: string, reason: string): StatusError {
  const message = `request failed: Row filter for table ${tableName(table)} is invalid. Filter is '${restriction}': ${reason}`;
  return new StatusError(status.INVALID_ARGUMENT, message);
}
