/** Appends the log, in a process of its own: `node bench/questions/fill.ts PORT PROJECT END CONVERSATIONS`. */
import type { TableName } from "@indelible/schemas/tables.ts";
import { appenderFromEnvironment } from "@indelible/subscriber/appender-from-environment.ts";
import { conversationRows } from "./log.ts";

const [port, projectId = "", end, count] = process.argv.slice(2);
const conversations = Number(count);
const CONVERSATIONS_PER_CALL = 200;
const CALLS_AT_ONCE = 3;

const appender = appenderFromEnvironment({ BIGQUERY_STORAGE_HOST: `127.0.0.1:${port}` }, projectId);
let next = 0;
async function work(): Promise<void> {
  while (next < conversations) {
    const from = next;
    next = Math.min(conversations, from + CONVERSATIONS_PER_CALL);
    const rows = Array.from({ length: next - from }, (_, at) =>
      conversationRows(Number(end), from + at, conversations),
    ).flat();
    const byTable: [TableName, typeof rows][] = [...Map.groupBy(rows, ({ table }) => table)];
    await Promise.all(
      byTable.map(([table, some]) =>
        appender.append(
          table,
          some.map(
            ({ encoded }) =>
              () =>
                encoded,
          ),
        ),
      ),
    );
    if (from % 50_000 === 0) process.stderr.write(`${from.toLocaleString("en-US")} conversations appended\n`);
  }
}
await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
await appender.close();
