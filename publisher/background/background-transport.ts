import type { Transport } from "../transport.ts";
import { background } from "./background.ts";

/**
 * Publishes from the background thread, so that loading Google's client (0.4 s) and speaking gRPC cost the agent's thread nothing.
 *
 * @param projectId Google Cloud project of the topics; undefined: what the environment says
 */
export function createBackgroundTransport(projectId: string | undefined): Transport {
  return {
    publish: (topic, data, attributes, deadlineMs) =>
      background.call({ kind: "publish", projectId, topic, data, attributes, deadlineMs }, "ERR_PUBLISH"),
    // The connection is the thread's, and closes with it.
    close: () => Promise.resolve(),
  };
}
