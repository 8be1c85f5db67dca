/**
 * The Cloud Function: an HTTP function behind one push subscription for each topic. A subscription's push endpoint ends in
 * the table's name, or `bigquery_audit` for BigQuery's audit log, so the table is given by the topic and never by the message.
 *
 * 204 acknowledges; 429 and 503 make Pub/Sub deliver again, with its backoff. What can never be accepted is not refused here
 * but dead-lettered and acknowledged, because one refused message slows the whole subscription.
 */
import { http, type Request, type Response } from "@google-cloud/functions-framework";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { serviceFromEnvironment, type Service } from "./config.ts";
import { messageOfPush, type Message } from "./message.ts";
import { sources, type Source } from "./source.ts";

/** The service behind the function; whoever runs the process closes it. */
export const service: Service = serviceFromEnvironment(process.env);

const paths: ReadonlySet<string> = new Set(sources);

http("ingest", async (request, response) => {
  const path = request.path.slice(1);
  if (request.method === "GET" && path === "metrics") {
    response.setHeader("content-type", service.metrics.contentType);
    response.end(await service.metrics.text());
  } else if (request.method === "GET" && path === "healthz") {
    response.json({ status: "ok", ...service.state() });
  } else if (request.method !== "POST" || !paths.has(path)) {
    const error = `POST /<table> with one of: ${[...paths].join(", ")}; GET /metrics; GET /healthz`;
    response.status(404).json({ error });
  } else if (!request.is("application/json")) {
    // A web page can send JSON to a port on this machine only under another content type.
    response.status(415).json({ error: "Content-Type must be application/json" });
  } else {
    await acknowledge(path as Source, request, response);
  }
});

/** Answers a push when, and only when, its message is dealt with. */
async function acknowledge(source: Source, request: Request, response: Response): Promise<void> {
  let message: Message;
  try {
    message = messageOfPush(request.body);
  } catch (error) {
    service.receiver.failed(source, undefined, error);
    response.status(400).json({ error: IndelibleError.is(error) ? error.code : "internal error" });
    return;
  }
  try {
    await service.receiver.receive(source, message);
    response.status(204).end();
  } catch (error) {
    response.status(statusOf(error)).json({ error: IndelibleError.is(error) ? error.code : "internal error" });
  }
}

function statusOf(error: unknown): number {
  if (!IndelibleError.is(error)) return 500;
  return error.code === "ERR_QUEUE_FULL" ? 429 : 503;
}
