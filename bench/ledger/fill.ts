/** Appends conversations, in a process of its own, whose memory is not that of who seals: `node bench/ledger/fill.ts PORT PROJECT START ROWS`. */
import { appenderFromEnvironment } from "@indelible/subscriber/appender-from-environment.ts";
import { encodedConversation } from "./conversations.ts";

const [port, projectId = "", start, count] = process.argv.slice(2);
const rows = Number(count);
const ROWS_PER_CALL = 2000;
const CALLS_AT_ONCE = 4;

const appender = appenderFromEnvironment({ BIGQUERY_STORAGE_HOST: `127.0.0.1:${port}` }, projectId);
let next = 0;
async function work(): Promise<void> {
  while (next < rows) {
    const from = next;
    next = Math.min(rows, from + ROWS_PER_CALL);
    const encoded = Array.from({ length: next - from }, (_, at) => encodedConversation(Number(start), from + at));
    await appender.append(
      "conversations",
      encoded.map((row) => () => row),
    );
    if (from % 500_000 === 0 && from > 0) process.stderr.write(`${from.toLocaleString("en-US")} rows appended\n`);
  }
}
await Promise.all(Array.from({ length: CALLS_AT_ONCE }, work));
await appender.close();
