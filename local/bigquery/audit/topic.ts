import { createRequire } from "node:module";
import { Client, credentials } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import type { INamespace } from "protobufjs";

type PublishRequest = { readonly topic: string; readonly messages: readonly { readonly data: Buffer }[] };

/** Where records are published. */
export type AuditTopic = {
  /** Resolves when Pub/Sub has stored the records. @throws {Error} of gRPC, also after the deadline */
  publish(records: readonly string[]): Promise<void>;
  close(): void;
};

/** gRPC's own pauses between two tries to connect grow to two minutes. */
const RECONNECTION = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 2_000 };

/**
 * A topic of the Pub/Sub at `host`, as host:port and without TLS, one message for each record.
 *
 * @param topic `projects/P/topics/T`
 */
export function pubsubTopic(host: string, topic: string, deadlineMs: number): AuditTopic {
  const { path, requestSerialize, responseDeserialize } = publishMethod();
  const client = new Client(host, credentials.createInsecure(), RECONNECTION);
  return {
    publish(records) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const request = { topic, messages: records.map((data) => ({ data: Buffer.from(data) })) };
      const deadline = Date.now() + deadlineMs;
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, { deadline }, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
      return promise;
    },
    close: () => client.close(),
  };
}

function publishMethod(): MethodDefinition<PublishRequest, object> {
  const protos = createRequire(import.meta.url)("@google-cloud/pubsub/build/protos/protos.json") as INamespace;
  const service = fromJSON(protos)["google.pubsub.v1.Publisher"] as ServiceDefinition;
  return service["Publish"] as MethodDefinition<PublishRequest, object>;
}
