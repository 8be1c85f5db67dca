import { zstdDecompressSync } from "node:zlib";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { PubSub, v1 } from "@google-cloud/pubsub";
import { startBroker } from "../../../local/pubsub/broker.ts";

/** A broker under test with official clients for it: ours, or whatever PUBSUB_EMULATOR_HOST names. */
export interface Target {
  readonly address: string;
  readonly publisher: v1.PublisherClient;
  readonly subscriber: v1.SubscriberClient;
  readonly pubsub: PubSub;
  /** The project of this target alone. */
  readonly project: string;
  readonly topicName: (id: string) => string;
  readonly subscriptionName: (id: string) => string;
  close(): Promise<void>;
}

const emulator = process.env["PUBSUB_EMULATOR_HOST"];

/** For `skip` of a test that Google's emulator fails, though Google's service would pass it, and for what is only ours. */
export function oursOnly(reason: string): string | false {
  return emulator === undefined ? false : reason;
}

export function startTarget(): Promise<Target> {
  return emulator === undefined ? ours() : Promise.resolve(connect(emulator));
}

async function ours(): Promise<Target> {
  const dataDirectory = await temporaryFolder();
  const broker = await startBroker({ dataDirectory, port: 0, log: () => {} });
  return connect(`${broker.host}:${broker.port}`, async () => {
    await broker.close();
    await rm(dataDirectory, { recursive: true });
  });
}

/** Clients for the broker at `address`; `stop` runs when they are closed. */
export function connect(address: string, stop?: () => Promise<void>): Target {
  const [servicePath = "", port = ""] = address.split(":");
  const project = `test-${randomUUID()}`;
  // With the universe settled, the clients do not ask the network for credentials.
  const common = { projectId: project, clientOptions: { universeDomain: "googleapis.com" } };
  const options = { ...common, servicePath, port: Number(port), sslCreds: credentials.createInsecure() };
  const publisher = new v1.PublisherClient(options);
  const subscriber = new v1.SubscriberClient(options);
  const pubsub = new PubSub({ ...common, apiEndpoint: address });
  return {
    address,
    publisher,
    subscriber,
    pubsub,
    project: `projects/${project}`,
    topicName: (id) => `projects/${project}/topics/${id}`,
    subscriptionName: (id) => `projects/${project}/subscriptions/${id}`,
    close: async () => {
      await Promise.all([publisher.close(), subscriber.close(), pubsub.close()]);
      await stop?.();
    },
  };
}

export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "pubsub-test-"));
}

export interface Pulled {
  readonly ackId: string;
  readonly data: string;
  readonly attributes: Record<string, string>;
  readonly messageId: string;
  readonly attempt: number;
}

/** Messages of `subscription` in the order of their arrival, `count` of them. */
export async function pullMessages(target: Target, subscription: string, count: number): Promise<Pulled[]> {
  const received: Pulled[] = [];
  while (received.length < count) {
    const [response]: [google.pubsub.v1.IPullResponse, ...unknown[]] = await target.subscriber.pull({
      subscription,
      maxMessages: count - received.length,
    });
    for (const { ackId, message, deliveryAttempt } of response.receivedMessages ?? []) {
      received.push({
        ackId: ackId ?? "",
        data: textOf(Buffer.from((message?.data ?? "") as Uint8Array), message?.attributes?.["encoding"]),
        attributes: message?.attributes ?? {},
        messageId: message?.messageId ?? "",
        attempt: deliveryAttempt ?? 0,
      });
    }
  }
  return received;
}

/** The data as it was before the publisher compressed it. */
function textOf(data: Buffer, encoding: string | undefined): string {
  return (encoding === "zstd" ? zstdDecompressSync(data) : data).toString();
}

/** Whether a pull that does not wait finds nothing. */
export async function isEmpty(target: Target, subscription: string): Promise<boolean> {
  const [response] = await target.subscriber.pull({ subscription, maxMessages: 10, returnImmediately: true });
  return (response.receivedMessages ?? []).length === 0;
}

export async function publishTexts(target: Target, topic: string, ...texts: string[]): Promise<string[]> {
  const messages = texts.map((text) => ({ data: Buffer.from(text) }));
  const [{ messageIds }] = await target.publisher.publish({ topic, messages });
  return messageIds ?? [];
}
