import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createAdaptorServer, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import protobuf from "protobufjs";
import { pubsubProtos } from "./grpc.ts";
import { isLoopbackHost } from "../loopback.ts";
import { fromJson, toJson } from "./rest-json.ts";
import type { PubSubService } from "./service.ts";
import { StatusError, toStatusError, type StatusName } from "./status.ts";

/** 10 MB of payload in base64, and its envelope. */
const MAX_BODY_BYTES = 14 * 1024 * 1024;

const HTTP_STATUSES: Partial<Record<StatusName, ContentfulStatusCode>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
};

/** projects/{project}/{topics or subscriptions}, then nothing, or an ID, perhaps with :verb or /subscriptions. */
const PATH = /^\/v1\/(projects\/[^/]+)\/(topics|subscriptions)(?:\/([^/:]+)(:\w+|\/subscriptions)?)?$/;

type Request = Record<string, unknown>;
/** The message of `google.pubsub.v1` that the request must be, and what answers it. */
type Method = [type: string, (service: PubSubService, request: Request, signal: AbortSignal) => unknown];

/** Each method by its HTTP verb and path; `request` holds the body, the query, and the names in the path. */
const METHODS: Record<string, Method> = {
  "PUT topics/ID": ["Topic", (service, request) => service.createTopic(request)],
  "GET topics/ID": ["GetTopicRequest", (service, request) => service.getTopic(request)],
  "DELETE topics/ID": ["DeleteTopicRequest", (service, request) => service.deleteTopic(request)],
  "GET topics": ["ListTopicsRequest", (service, request) => service.listTopics(request)],
  "GET topics/ID/subscriptions": [
    "ListTopicSubscriptionsRequest",
    (service, request) => service.listTopicSubscriptions(request),
  ],
  "POST topics/ID:publish": ["PublishRequest", (service, request) => service.publish(request)],
  "PUT subscriptions/ID": ["Subscription", (service, request) => service.createSubscription(request)],
  "GET subscriptions/ID": ["GetSubscriptionRequest", (service, request) => service.getSubscription(request)],
  "DELETE subscriptions/ID": ["DeleteSubscriptionRequest", (service, request) => service.deleteSubscription(request)],
  "GET subscriptions": ["ListSubscriptionsRequest", (service, request) => service.listSubscriptions(request)],
  "POST subscriptions/ID:pull": ["PullRequest", (service, request, signal) => service.pull(request, signal)],
  "POST subscriptions/ID:acknowledge": ["AcknowledgeRequest", (service, request) => service.acknowledge(request)],
  "POST subscriptions/ID:modifyAckDeadline": [
    "ModifyAckDeadlineRequest",
    (service, request) => service.modifyAckDeadline(request),
  ],
  "POST subscriptions/ID:modifyPushConfig": [
    "ModifyPushConfigRequest",
    (service, request) => service.modifyPushConfig(request),
  ],
  "POST subscriptions/ID:seek": ["SeekRequest", (service, request) => service.seek(request)],
};

/** The REST face of the broker, for `gcloud pubsub` and curl. Updates are for gRPC only. */
function restApp(service: PubSubService): Hono {
  const app = new Hono();
  const types = protobuf.Root.fromJSON(pubsubProtos());
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES }));
  app.all("*", async (context) => {
    if (!isLoopbackHost(context.req.header("host"))) {
      throw new StatusError("PERMISSION_DENIED", "This broker answers only to the names of this machine.");
    }
    const path = decodeURIComponent(context.req.path);
    const [, project = "", collection = "", id, rest = ""] = PATH.exec(path) ?? [];
    const key = `${context.req.method} ${collection}${id === undefined ? "" : `/ID${rest}`}`;
    const method = METHODS[key];
    if (method === undefined) {
      throw new StatusError("UNIMPLEMENTED", `This broker does not serve ${context.req.method} ${path} over REST.`);
    }
    const name = `${project}/${collection}/${id}`;
    const kind = collection === "topics" ? "topic" : "subscription";
    const body = fromJson(parsed(await context.req.text())) as Request;
    const query = context.req.query();
    const pageSize = Number(query["pageSize"] ?? 0);
    const named = context.req.method === "PUT" ? { name } : { [kind]: name };
    const request = { ...query, pageSize, ...body, project, ...named };
    const [type, answer] = method;
    const fault = types.lookupType(`google.pubsub.v1.${type}`).verify(request);
    if (fault !== null) throw new StatusError("INVALID_ARGUMENT", `The request is not a ${type}: ${fault}.`);
    return context.json(toJson(await answer(service, request, context.req.raw.signal)) as object);
  });
  app.onError((error, context) => {
    const { status, message } = toStatusError(error);
    const code = HTTP_STATUSES[status] ?? 500;
    return context.json({ error: { code, message, status } }, code);
  });
  return app;
}

function parsed(body: string): unknown {
  try {
    return body === "" ? {} : JSON.parse(body);
  } catch (error) {
    throw new StatusError("INVALID_ARGUMENT", "The body is not JSON.", error);
  }
}

/** Serves REST on 127.0.0.1; port 0 is any free one. @throws {Error} EADDRINUSE */
export async function serveRest(service: PubSubService, port: number): Promise<{ server: ServerType; port: number }> {
  const server = createAdaptorServer({ fetch: restApp(service).fetch });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port };
}
