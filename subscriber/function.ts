/**
 * The Cloud Function: an HTTP function behind one push subscription for each topic. A subscription's push endpoint ends in
 * the table's name, so the table is given by the topic and never by the message.
 *
 * 204 acknowledges; 429 and 503 make Pub/Sub deliver again, with its backoff. What can never be accepted is not refused here
 * but dead-lettered and acknowledged, because one refused message slows the whole subscription.
 */
import { http, type Request, type Response } from "@google-cloud/functions-framework";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { pipelineFromEnvironment } from "./config.ts";
import { deadLetterEntry } from "./dead-letters.ts";
import type { Fault } from "./decode.ts";
import { log } from "./log.ts";
import { messageOfPush, type Message } from "./message.ts";
import { append, ingest, type Outcome, type Pipeline } from "./pipeline.ts";

const pipeline = pipelineFromEnvironment(process.env);
const totals = { accepted: 0, duplicates: 0, deadLettered: 0 };
const ingestedTables: ReadonlySet<string> = new Set(publishedTables);

http("ingest", async (request, response) => {
  const path = request.path.slice(1);
  if (request.method === "GET" && path === "stats") {
    response.json(totals);
    return;
  }
  if (request.method !== "POST" || !(ingestedTables.has(path) || path === "dead_letters")) {
    response
      .status(404)
      .json({ error: `POST /<table> with one of: ${[...ingestedTables, "dead_letters"].join(", ")}` });
    return;
  }
  // A web page can send JSON to a port on this machine only under another content type.
  if (!request.is("application/json")) {
    response.status(415).json({ error: "Content-Type must be application/json" });
    return;
  }
  await acknowledge(path as TableName, request, response);
});

/** Answers a push when, and only when, its message is dealt with. */
async function acknowledge(table: TableName, request: Request, response: Response): Promise<void> {
  let message: Message | undefined;
  try {
    message = messageOfPush(request.body);
    const outcome =
      table === "dead_letters" ? await keepDeadLetter(pipeline, message) : await ingest(pipeline, table, message);
    totals.accepted += outcome.accepted;
    totals.duplicates += outcome.duplicates;
    totals.deadLettered += outcome.deadLettered;
    if (outcome.deadLettered > 0) {
      log("WARNING", "events were dead-lettered", { table, messageId: message.id, ...outcome });
    }
    response.status(204).end();
  } catch (error) {
    const known = IndelibleError.is(error) ? error : undefined;
    const status = known === undefined ? 500 : known.code === "ERR_QUEUE_FULL" ? 429 : known.retryable ? 503 : 400;
    const fields = { table, messageId: message?.id, code: known?.code, hint: known?.hint, status };
    log("ERROR", known?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error)), fields);
    response.status(status).json({ error: known?.code ?? "internal error" });
  }
}

/** A dead letter becomes a row like any other, but what fails here must not be dead-lettered again: it stays in Pub/Sub. */
async function keepDeadLetter(to: Pipeline, message: Message): Promise<Outcome> {
  const entries = [deadLetterEntry(message)];
  const unseen = to.dedup.unseen("dead_letters", entries);
  const faults: Fault[] = [];
  await append(to, "dead_letters", message, unseen, faults);
  if (faults[0] !== undefined) {
    throw new IndelibleError("ERR_APPEND_REFUSED", `BigQuery refused the row of a dead letter: ${faults[0].detail}`);
  }
  return { accepted: 0, duplicates: 0, deadLettered: 0 };
}
