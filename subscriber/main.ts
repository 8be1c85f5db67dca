/**
 * Runs the function on this machine, under the same framework as in the cloud, bound to 127.0.0.1:
 *
 *     node subscriber/main.ts --port 8080        (0: any free port)
 *
 * Prints one line of JSON on stdout when it is ready. Ends on SIGTERM, and when its parent process does.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { log } from "./log.ts";
import { service } from "./function.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "8080" } } });

// The framework's own server listens on every interface and lets nobody look at the Host header, which a page in a browser that rebinds
// its name to 127.0.0.1 cannot forge.
const framework = getTestServer("ingest");
const server = createServer((request, response) => {
  if (/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) {
    framework.emit("request", request, response);
  } else {
    response.writeHead(403).end("this service answers to 127.0.0.1 and localhost only\n");
  }
});
server.on("error", (error) => {
  log("ERROR", error.message, { hint: "Choose another --port, or 0 for any free one." });
  process.exit(1);
});
server.listen(Number(values.port), "127.0.0.1", () => {
  const { address, port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ service: "function", ready: true, host: address, port })}\n`);
});

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
