/**
 * Runs the function on this machine, under the same framework as in the cloud, bound to 127.0.0.1:
 *
 *     node subscriber/main.ts --port 8080        (0: any free port)
 *
 * Prints one line of JSON on stdout when it is ready. Ends on SIGTERM, and when its parent process does.
 */
import { parseArgs } from "node:util";
import { service } from "./function.ts";
import { serveLocally } from "./local-server.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });
const server = serveLocally("ingest", "function", Number(values.port));

const DRAIN_MS = 5_000;

/** Lets the requests in flight end; what is cut off after that is delivered again. */
function stop(): void {
  setTimeout(() => process.exit(0), DRAIN_MS).unref();
  server.close(() => {
    void service.close().finally(() => process.exit(0));
  });
  server.closeIdleConnections();
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);
if (process.send !== undefined) process.once("disconnect", stop);
