import type { BigQueryTable } from "@indelible/schemas/bigquery.ts";
import { createTableStatement, sqlCommand } from "./commands.ts";
import { commandOn } from "./surroundings.ts";
import type { Place } from "./topics.ts";

/**
 * How a table whose columns or partitions cannot be changed in place becomes what is declared. Nothing may be appended, nor sealed, between the copy and
 * the last insert: a row would be lost, or a window sealed without its rows.
 *
 * @param name as in SQL: `project.dataset.table`
 */
export function rebuildSteps(name: string, declared: BigQueryTable, { project, local, data }: Place): string {
  const copy = `${name}_copy`;
  const sql = (statement: string): string => sqlCommand(project, statement);
  const counts = sql(
    `SELECT (SELECT COUNT(*) FROM \`${name}\`) AS rows_of_table, (SELECT COUNT(*) FROM \`${copy}\`) AS rows_of_copy`,
  );
  const stop = local
    ? "Nothing changes that in place. 1. Stop everybody who publishes."
    : "Nothing changes that in place. 1. Stop the function, or the worker, and the sealer; Pub/Sub keeps what is published meanwhile.";
  const quiet = local
    ? `2. Wait until no message is on its way, and two minutes more, so that all is sealed: ${commandOn(data, "doctor")}`
    : "2. Wait until nothing is on its way: no instance of the function is left, or the worker has ended.";
  return [
    stop,
    quiet,
    "3. Copy the table:",
    sql(`CREATE TABLE \`${copy}\` AS SELECT * FROM \`${name}\``),
    "4. Only when both counts are the same, drop it, and have it created as declared:",
    counts,
    sql(`DROP TABLE \`${name}\``),
    sql(createTableStatement(name, declared)),
    `5. INSERT INTO \`${name}\` the rows of \`${copy}\`, column by column, with a CAST where types differ; drop the copy only when both counts are the same.`,
    local
      ? `6. Let publishers start again, and see that all seals hold: ${commandOn(data, "verify")}`
      : `6. Start the function, or the worker, and the sealer again, and see that all seals hold: ${commandOn(data, "verify")}`,
  ].join("\n");
}
