import { createRequire } from "node:module";
import {
  Server,
  ServerCredentials,
  status,
  type handleUnaryCall,
  type ServerOptions,
  type ServiceDefinition,
  type StatusObject,
} from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import type { INamespace } from "protobufjs";
import type { Log } from "../log.ts";
import { isLoopbackHost } from "../loopback.ts";
import type { PubSubService } from "./service.ts";
import { StatusError, toStatusError } from "./status.ts";
import { checkPulled } from "./pull.ts";
import { StreamingPull, type StreamingPullCall } from "./streaming-pull.ts";

/** Beyond Pub/Sub's 10 MB, so that what is too large is told by our own check, in its words. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

const OPTIONS: ServerOptions = {
  "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
  "grpc.max_send_message_length": -1,
  // HTTP/2's own 64 KiB would make a 1 MB message wait for sixteen round trips.
  "grpc-node.flow_control_window": 4 * 1024 * 1024,
};

/** The gRPC face of the broker: services Publisher and Subscriber of the protos that the official client ships. */
export function grpcServer(service: PubSubService, log: Log): Server {
  const server = new Server(OPTIONS);
  const { publisher, subscriber } = serviceDefinitions();
  const unary = <Request, Response>(
    handle: (request: Request, signal: AbortSignal) => Response | Promise<Response>,
  ): handleUnaryCall<Request, Response> => {
    return async (call, callback) => {
      try {
        checkHost(call.getHost());
        const gone = new AbortController();
        call.on("cancelled", () => gone.abort());
        callback(null, await handle(call.request, gone.signal));
      } catch (error) {
        callback(failure(error, log));
      }
    };
  };
  server.addService(publisher, {
    createTopic: unary((request: google.pubsub.v1.ITopic) => service.createTopic(request)),
    updateTopic: unary((request: google.pubsub.v1.IUpdateTopicRequest) => service.updateTopic(request)),
    publish: unary((request: google.pubsub.v1.IPublishRequest) => service.publish(request)),
    getTopic: unary((request: google.pubsub.v1.IGetTopicRequest) => service.getTopic(request)),
    listTopics: unary((request: google.pubsub.v1.IListTopicsRequest) => service.listTopics(request)),
    listTopicSubscriptions: unary((request: google.pubsub.v1.IListTopicSubscriptionsRequest) =>
      service.listTopicSubscriptions(request),
    ),
    deleteTopic: unary((request: google.pubsub.v1.IDeleteTopicRequest) => service.deleteTopic(request)),
  });
  server.addService(subscriber, {
    createSubscription: unary((request: google.pubsub.v1.ISubscription) => service.createSubscription(request)),
    getSubscription: unary((request: google.pubsub.v1.IGetSubscriptionRequest) => service.getSubscription(request)),
    updateSubscription: unary((request: google.pubsub.v1.IUpdateSubscriptionRequest) =>
      service.updateSubscription(request),
    ),
    listSubscriptions: unary((request: google.pubsub.v1.IListSubscriptionsRequest) =>
      service.listSubscriptions(request),
    ),
    deleteSubscription: unary((request: google.pubsub.v1.IDeleteSubscriptionRequest) =>
      service.deleteSubscription(request),
    ),
    modifyAckDeadline: unary((request: google.pubsub.v1.IModifyAckDeadlineRequest) =>
      service.modifyAckDeadline(request),
    ),
    acknowledge: unary((request: google.pubsub.v1.IAcknowledgeRequest) => service.acknowledge(request)),
    pull: unary((request: google.pubsub.v1.IPullRequest, signal) => service.pull(request, signal)),
    streamingPull: (call: StreamingPullCall) => serveStream(call, service, log),
    modifyPushConfig: unary((request: google.pubsub.v1.IModifyPushConfigRequest) => service.modifyPushConfig(request)),
    seek: unary((request: google.pubsub.v1.ISeekRequest) => service.seek(request)),
  });
  return server;
}

/**
 * Listens on 127.0.0.1; port 0 is any free one. Resolves with the port.
 * @throws {Error} with EADDRINUSE in its text when the port is taken.
 */
export async function listen(server: Server, port: number): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
    if (error === null) resolve(bound);
    else reject(new Error(`Cannot listen on port ${port}, give another one or 0 for any: ${error.message}`));
  });
  return promise;
}

/** Lets running calls end for up to `graceMs`, then cuts them. */
export async function shutDown(server: Server, graceMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    server.forceShutdown();
    resolve();
  }, graceMs);
  server.tryShutdown(() => resolve());
  await promise;
  clearTimeout(timer);
}

function serveStream(call: StreamingPullCall, service: PubSubService, log: Log): void {
  let stream: StreamingPull | undefined;
  let failed = false;
  const fail = (error: unknown): void => {
    if (failed) return;
    failed = true;
    stream?.close();
    call.emit("error", failure(error, log));
  };
  call.on("data", (request: google.pubsub.v1.IStreamingPullRequest) => {
    if (failed) return;
    try {
      if (stream !== undefined) {
        stream.receive(request);
        return;
      }
      checkHost(call.getHost());
      const subscription = service.subscription(request);
      checkPulled(subscription);
      stream = new StreamingPull(call, subscription, request, fail, log);
    } catch (error) {
      fail(error);
    }
  });
  call.on("end", () => {
    stream?.close();
    if (!failed) call.end();
  });
  call.on("cancelled", () => stream?.close());
  call.on("error", () => stream?.close());
}

function checkHost(host: string): void {
  if (!isLoopbackHost(host)) {
    throw new StatusError("PERMISSION_DENIED", "This broker answers only to the names of this machine: use 127.0.0.1.");
  }
}

function failure(error: unknown, log: Log): Pick<StatusObject, "code" | "details"> & Error {
  const failed = toStatusError(error);
  if (failed.status === "INTERNAL") log("ERROR", "A request failed", { reason: failed.message });
  return Object.assign(failed, { code: status[failed.status], details: failed.message });
}

/** The protos that the official client ships, as a protobuf.js descriptor. */
export function pubsubProtos(): INamespace {
  return createRequire(import.meta.url)("@google-cloud/pubsub/build/protos/protos.json") as INamespace;
}

function serviceDefinitions(): { publisher: ServiceDefinition; subscriber: ServiceDefinition } {
  const definition = fromJSON(pubsubProtos(), {
    longs: Number,
    enums: String,
    arrays: true,
    objects: true,
  });
  return {
    publisher: definition["google.pubsub.v1.Publisher"] as ServiceDefinition,
    subscriber: definition["google.pubsub.v1.Subscriber"] as ServiceDefinition,
  };
}
