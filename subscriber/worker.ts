/**
 * The same service as the function's over StreamingPull, for more traffic than push is good for:
 *
 *     node subscriber/worker.ts [--port 8081] [--host 127.0.0.1] [--table conversations ...]
 *
 * On Cloud Run, which says so by `CLOUD_RUN_WORKER_POOL` or `K_SERVICE`, it can be reached by probes unless told otherwise: on every interface, and at
 * `PORT` where that is set. Elsewhere `PORT` means nothing to it.
 *
 * Reads the subscription `<topic>.worker` of each topic (of some with --table, which also takes `bigquery_audit`), which must be pull subscriptions with a retry policy,
 * acknowledges a message when its events are dealt with, and serves GET /metrics and /healthz. The environment is that of the function
 * (config.ts). Prints one line of JSON on stdout when it is ready. On SIGTERM it takes nothing more, finishes what it has within 25 s, and ends.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { parseArgs } from "node:util";
import { Duration, PubSub, type Message as PulledMessage, type Subscription } from "@google-cloud/pubsub";
import { Backoff } from "@indelible/publisher/backoff.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { pullSubscriptionOf, topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { noCredentials } from "./appender-from-environment.ts";
import { projectOf, serviceFromEnvironment } from "./config.ts";
import { log } from "./log.ts";
import { sources, topicOfSource, type Source } from "./source.ts";

/** What the client may hold for each subscription; what is on its way over all is bounded by `Admission`. */
const FLOW_CONTROL = { maxBytes: 16 * 1024 * 1024, maxMessages: 1000, allowExcessMessages: false };
const DRAIN_MS = 20_000;
const EXIT_MS = 25_000;
/** What failed is given back after a pause of this length at most: without a retry policy, Pub/Sub would send it again at once. */
const MAX_NACK_PAUSE_MS = 1_000;

const { PORT, K_SERVICE, CLOUD_RUN_WORKER_POOL } = process.env;
const onCloudRun = (CLOUD_RUN_WORKER_POOL ?? K_SERVICE) !== undefined;
const { values } = parseArgs({
  options: {
    port: { type: "string", default: (onCloudRun ? PORT : undefined) ?? "8081" },
    host: { type: "string", default: onCloudRun ? "0.0.0.0" : "127.0.0.1" },
    table: { type: "string", multiple: true, default: [...sources] },
  },
});
const unknown = values.table.find((name) => !sources.includes(name as Source));
if (unknown !== undefined) {
  throw new IndelibleError("ERR_CONFIG", `--table ${unknown} has no topic`, {
    hint: `One of: ${sources.join(", ")}`,
  });
}

const service = serviceFromEnvironment(process.env);
const projectId = projectOf(process.env);
const pubsub = new PubSub(
  process.env["PUBSUB_EMULATOR_HOST"] === undefined ? { projectId } : { projectId, ...noCredentials },
);
let stopping = false;
const subscriptions = values.table.map((table) => subscribe(table as Source));

function subscribe(source: Source): Subscription {
  const prefix = topicPrefixFromEnvironment(process.env);
  const topic = topicOfSource(source, prefix);
  const name = pullSubscriptionOf(topic);
  const subscription = pubsub.subscription(name, {
    flowControl: FLOW_CONTROL,
    closeOptions: { behavior: "WAIT", timeout: Duration.from({ milliseconds: DRAIN_MS }) },
  });
  // The client ends a subscription that fails for good; whoever mends it must not have to restart the worker too.
  const backoff = new Backoff(() => {
    if (!stopping) subscription.open();
  });
  subscription.on("message", (message: PulledMessage) => {
    backoff.succeed();
    void take(source, message);
  });
  subscription.on("error", (error) => {
    log("ERROR", error.message, {
      subscription: name,
      hint: `It must exist as a pull subscription of ${topic}, and this account must have roles/pubsub.subscriber on it.`,
    });
    backoff.fail();
  });
  return subscription;
}

async function take(source: Source, pulled: PulledMessage): Promise<void> {
  try {
    await service.receiver.receive(source, {
      id: pulled.id,
      publishedAt: Number(pulled.publishTime.getFullTime() / 1000n),
      data: pulled.data,
      attributes: pulled.attributes,
    });
    pulled.ack();
  } catch {
    // The receiver has logged why. While draining there is no time for a pause.
    setTimeout(() => pulled.nack(), stopping ? 0 : Math.random() * MAX_NACK_PAUSE_MS);
  }
}

const server = createServer((request, response) => void answer(request, response));

async function answer({ method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (method === "GET" && url === "/metrics") {
    response.setHeader("content-type", service.metrics.contentType).end(await service.metrics.text());
  } else if (method === "GET" && url === "/healthz") {
    response.writeHead(stopping ? 503 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ status: stopping ? "stopping" : "ok", ...service.state() }));
  } else {
    response.writeHead(404).end("GET /metrics, GET /healthz\n");
  }
}

server.on("error", (error) => {
  log("ERROR", error.message, { hint: "Choose another --port, or 0 for any free one." });
  process.exit(1);
});
server.listen(Number(values.port), values.host, () => {
  const { address, port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ service: "worker", ready: true, host: address, port })}\n`);
});

/** Takes nothing more and finishes what it has; what is cut off by the deadline is delivered again. */
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => process.exit(1), EXIT_MS).unref();
  await Promise.allSettled(subscriptions.map((subscription) => subscription.close()));
  await Promise.allSettled([service.close(), pubsub.close()]);
  process.exit(0);
}
process.once("SIGTERM", () => void stop());
process.once("SIGINT", () => void stop());
if (process.send !== undefined) process.once("disconnect", () => void stop());
