import { setTimeout as delay } from "node:timers/promises";
import type { Faults } from "../faults.ts";
import { StatusError } from "./status.ts";

/** How a broker can fail. A fault at `publish` and `acknowledge` is that of one request, at `ack` that of one message in it. */
export const brokerFaultPoints = {
  publish: [
    /** UNAVAILABLE, and nothing is stored. */
    "refuse",
    /** The messages are stored, then UNAVAILABLE. */
    "cut-after",
    /** The messages are stored late. */
    "delay",
  ],
  push: [
    /** The connection is cut while the request is on its way. */
    "cut-before",
    /** The connection is cut when the endpoint has begun to answer; what it says does not count. */
    "cut-after",
  ],
  lease: [
    /** A message leaves after those behind it. */
    "reorder",
  ],
  ack: [
    /** The message was acknowledged, by whatever means, and is delivered again nevertheless. */
    "redeliver",
  ],
  acknowledge: [
    /** The acknowledgements are stored, then UNAVAILABLE. */
    "cut-after",
  ],
} as const;

export type BrokerFaults = Faults<typeof brokerFaultPoints>;

/** Carries a request out, or fails to, as the faults at its point will have it. @throws {StatusError} UNAVAILABLE */
export async function exposed<Result>(
  faults: BrokerFaults | undefined,
  point: "publish" | "acknowledge",
  run: () => Promise<Result>,
): Promise<Result> {
  const fault = faults?.at(point);
  if (fault?.kind === "refuse") throw injected();
  if (fault?.kind === "delay") await delay(fault.delayMs);
  const result = await run();
  if (fault?.kind === "cut-after") throw injected();
  return result;
}

function injected(): StatusError {
  return new StatusError("UNAVAILABLE", "Refused by an injected fault.");
}
