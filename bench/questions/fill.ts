/**
 * Appends the log, in a process of its own: `node bench/questions/fill.ts PORT PROJECT END CONVERSATIONS [FROM]`. What was not acknowledged in
 * time is appended again, as the function does.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { appenderFromEnvironment } from "@indelible/subscriber/appender-from-environment.ts";
import { conversationRows, type Row } from "./log.ts";

const [port, projectId = "", end, count, first = "0"] = process.argv.slice(2);
const conversations = Number(count);
const CONVERSATIONS_PER_CALL = 200;
const CALLS_AT_ONCE = 3;
const MAX_ATTEMPTS = 10;

const appender = appenderFromEnvironment({ BIGQUERY_STORAGE_HOST: `127.0.0.1:${port}` }, projectId);
let next = Number(first);
async function work(): Promise<void> {
  while (next < conversations) {
    const from = next;
    next = Math.min(conversations, from + CONVERSATIONS_PER_CALL);
    const rows = Array.from({ length: next - from }, (_, at) =>
      conversationRows(Number(end), from + at, conversations),
    ).flat();
    const byTable: [TableName, typeof rows][] = [...Map.groupBy(rows, ({ table }) => table)];
    await Promise.all(byTable.map(([table, some]) => append(table, some)));
    if (from % 50_000 === 0) process.stderr.write(`${from.toLocaleString("en-US")} conversations appended\n`);
  }
}
async function append(table: TableName, rows: readonly Row[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await appender.append(
        table,
        rows.map(
          ({ encoded }) =>
            () =>
              encoded,
        ),
      );
      return;
    } catch (error) {
      if (!IndelibleError.is(error) || !error.retryable || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
await appender.close();
