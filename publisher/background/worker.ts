/** The background thread: redacts, compresses and publishes, so that the agent's thread need not. */
import { parentPort, workerData } from "node:worker_threads";
import { failureOf, type Envelope, type Reply } from "./protocol.ts";
import { Tasks } from "./tasks.ts";

/** Shared with the thread that watches: the call, and the line of it, that is being worked on. */
export interface BackgroundData {
  readonly progress: Int32Array;
}

const { progress } = workerData as BackgroundData;
const port = parentPort!;
const tasks = new Tasks();

port.on("message", ({ id, request }: Envelope) => void answer(id, request));

async function answer(id: number, request: Envelope["request"]): Promise<void> {
  try {
    const result = await tasks.run(request, (line) => {
      Atomics.store(progress, 0, id);
      Atomics.store(progress, 1, line);
    });
    // A message's bytes are nobody else's and can be handed over; those of a small Buffer stand in Node's pool.
    const bytes = request.kind === "prepare" && typeof result === "object" ? result.data.buffer : undefined;
    const isWhole =
      bytes instanceof ArrayBuffer && typeof result === "object" && result.data.byteLength === bytes.byteLength;
    port.postMessage({ id, result } satisfies Reply, isWhole ? [bytes] : []);
  } catch (error) {
    port.postMessage({ id, failure: failureOf(error) } satisfies Reply);
  }
}
