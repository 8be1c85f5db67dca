/**
 * Runs the sealer on this machine, under the same framework as in the cloud, bound to 127.0.0.1, and by itself every so often:
 *
 *     node ledger/main.ts --port 8081 --every 60        (port 0: any free port; seconds)
 *
 * Prints one line of JSON on stdout when it is ready. Ends on SIGTERM, and when its parent process does.
 */
import { parseArgs } from "node:util";
import { serveLocally } from "@indelible/subscriber/local-server.ts";
import { sealer, service } from "./function.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "8081" }, every: { type: "string", default: "60" } },
});
const everyMs = Number(values.every) * 1000;
if (!(everyMs > 0)) throw new Error(`--every ${values.every} is not a number of seconds`);

const stopping = new AbortController();
const sealing = sealer.runEvery(everyMs, stopping.signal);
const server = serveLocally("seal", "sealer", Number(values.port));

const DRAIN_MS = 4_000;

/** Lets a run end; one that is cut off is as if it had not begun, or is completed by the next. */
function stop(): void {
  stopping.abort();
  setTimeout(() => process.exit(0), DRAIN_MS).unref();
  server.close();
  server.closeIdleConnections();
  void sealing.then(() => service.close()).finally(() => process.exit(0));
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
if (process.send !== undefined) process.once("disconnect", stop);
