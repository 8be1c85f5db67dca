import { isObject } from "../json.ts";
import { messageOf } from "../terminal/failure.ts";
import { counted } from "../terminal/table.ts";
import type { Finding } from "./check.ts";
import { shellWord } from "../terminal/shell-word.ts";
import { originsOf, type LookedTopic, type Place } from "./topics.ts";

const deadlineMs = 5000;

/** Whether the function is there, wherever subscriptions push to. */
export async function findingsOfFunction(topics: readonly LookedTopic[], place: Place): Promise<readonly Finding[]> {
  const origins = originsOf(topics);
  if (origins.length === 0) {
    const finding = "No subscription pushes: the function is not asked for, the worker is.";
    return [{ status: "skipped", finding }];
  }
  return Promise.all(origins.map((origin) => health(origin, place)));
}

async function health(origin: string, { local, restart, project }: Place): Promise<Finding> {
  const fix = local
    ? restart
    : `gcloud run services list ${shellWord(`--project=${project}`)}    (and deploy the function where its URL is not among them)`;
  let response: Response;
  try {
    response = await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(deadlineMs) });
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return { status: "problem", finding: `The function does not answer at ${origin}: ${messageOf(cause)}.`, fix };
  }
  // In the cloud it is only for Pub/Sub's identity.
  if (response.status === 401 || response.status === 403)
    return { status: "ok", finding: `The function is at ${origin}, and refuses strangers.` };
  if (!response.ok) {
    return {
      status: "problem",
      finding: `What is at ${origin} answers ${response.status} when asked for its health.`,
      fix,
    };
  }
  const state: unknown = await response.json();
  const waiting = isObject(state) && typeof state["inFlightMessages"] === "number" ? state["inFlightMessages"] : 0;
  return { status: "ok", finding: `The function answers at ${origin}, ${counted(waiting, "message")} on their way.` };
}
