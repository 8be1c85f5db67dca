import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { log } from "./log.ts";

/**
 * Serves an HTTP function on 127.0.0.1, under the same framework as in the cloud, and prints one line of JSON on stdout when it is ready.
 * The framework's own server listens on every interface and lets nobody look at the Host header, which a page in a browser that rebinds
 * its name to 127.0.0.1 cannot forge. A port that cannot be had ends the process with 1.
 *
 * @param name of the function, as it was given to `http()`
 * @param service what the line of readiness calls it
 * @param port 0: any free one
 */
export function serveLocally(name: string, service: string, port: number): Server {
  const framework = getTestServer(name);
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
  server.listen(port, "127.0.0.1", () => {
    const { address, port: bound } = server.address() as AddressInfo;
    process.stdout.write(`${JSON.stringify({ service, ready: true, host: address, port: bound })}\n`);
  });
  return server;
}
