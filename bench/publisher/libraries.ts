/**
 * What the repository has installed anyway: the floor, pino, and Google's own client. Each is loaded when its row is opened, so that no
 * row's memory holds another's library.
 */
import { once } from "node:events";
import { join } from "node:path";
import type { Contender, Surroundings } from "./contender.ts";

/** Where pino's rows write; the sink of these rows. */
export const PINO_FILE = "pino.log";

/** No logging at all: what any of the others must do to each event at least once. */
export async function openFloor(): Promise<Contender> {
  let bytes = 0;
  return {
    log: (event) => {
      bytes += JSON.stringify(event).length;
    },
    flush: async () => {
      if (bytes === 0) throw new Error("nothing was serialized");
    },
    close: async () => {},
  };
}

/** @param target a path; null is /dev/null. With pino's defaults: writes one after another, off the thread. */
export async function openPino({ folder }: Surroundings, target: string | null): Promise<Contender> {
  const { pino } = await import("pino");
  const destination = pino.destination(target === null ? "/dev/null" : join(folder, target));
  const logger = pino(destination);
  await once(destination, "ready");
  // Its flush() calls back at once without a minimum length, with most of the lines unwritten.
  let isWritten = true;
  destination.on("drain", () => {
    isWritten = true;
  });
  return {
    log: (event) => {
      isWritten = false;
      logger.info(event);
    },
    flush: async () => {
      while (!isWritten) await once(destination, "drain");
    },
    close: async () => destination.end(),
  };
}

/** pino's way to keep the writing off the agent's thread: a worker that gets the lines through shared memory. */
export async function openPinoTransport({ folder }: Surroundings): Promise<Contender> {
  const { pino } = await import("pino");
  const transport = pino.transport<{ readonly destination: string }>({
    target: "pino/file",
    options: { destination: join(folder, PINO_FILE) },
  });
  const logger = pino(transport);
  await once(transport, "ready");
  return {
    log: (event) => logger.info(event),
    flush: async () => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      logger.flush((error) => (error === undefined || error === null ? resolve() : reject(error)));
      await promise;
    },
    close: async () => {
      transport.end();
      await once(transport, "close");
    },
  };
}

/** Google's client as its documentation uses it: one topic object, whose own batching gathers the messages. */
export async function openRawPubSub(): Promise<Contender> {
  const { PubSub } = await import("@google-cloud/pubsub");
  const pubsub = new PubSub({ projectId: "bench" });
  const topic = pubsub.topic("agent-logs.conversations");
  let outstanding = 0;
  let failure: unknown;
  let onIdle = (): void => {};
  const settle = (): void => {
    outstanding -= 1;
    if (outstanding === 0) onIdle();
  };
  return {
    log: (event) => {
      outstanding += 1;
      topic.publishMessage({ data: Buffer.from(JSON.stringify(event)) }).then(settle, (error: unknown) => {
        failure ??= error;
        settle();
      });
    },
    flush: async () => {
      const idle = new Promise<void>((resolve) => {
        onIdle = resolve;
      });
      // Calls back when it has handed over what waited, not when that was acknowledged.
      await topic.flush();
      if (outstanding > 0) await idle;
      if (failure !== undefined) throw failure;
    },
    close: () => pubsub.close(),
  };
}
