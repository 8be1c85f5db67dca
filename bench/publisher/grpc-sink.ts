/**
 * `google.pubsub.v1.Publisher/Publish` over bare HTTP/2. grpc-js would do, but its sockets cannot be counted, and its
 * server would take more of the two cores than what is measured.
 */
import type { ServerHttp2Stream } from "node:http2";
import { createRequire } from "node:module";
import protobuf from "protobufjs";

export type GrpcBehaviour = "ok" | "hang" | "RESOURCE_EXHAUSTED" | "PERMISSION_DENIED";
export const grpcAnswers: readonly string[] = ["ok", "hang", "RESOURCE_EXHAUSTED", "PERMISSION_DENIED"];

const codes = { RESOURCE_EXHAUSTED: 8, PERMISSION_DENIED: 7 } as const;
/** Compressed or not, and the length: before each message of gRPC. */
const PREFIX_BYTES = 5;

interface PublishRequest {
  readonly messages: readonly { readonly data: Buffer }[];
}

const protos = createRequire(import.meta.url)("@google-cloud/pubsub/build/protos/protos.json") as protobuf.INamespace;
const root = protobuf.Root.fromJSON(protos);
const publishRequest = root.lookupType("google.pubsub.v1.PublishRequest");
const publishResponse = root.lookupType("google.pubsub.v1.PublishResponse");

function decode(body: Buffer): PublishRequest {
  return publishRequest.decode(body) as unknown as PublishRequest;
}

/** The data of the messages in a kept body. */
export function messagesIn(body: Buffer): Buffer[] {
  return decode(body).messages.map(({ data }) => data);
}

let lastId = 0;

/** @param keep gets each request that was received whole, without gRPC's prefix */
export function servePublish(stream: ServerHttp2Stream, behaviour: GrpcBehaviour, keep: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("end", () => {
    const body = Buffer.concat(chunks).subarray(PREFIX_BYTES);
    keep(body);
    if (behaviour === "hang") return;
    const headers = { ":status": 200, "content-type": "application/grpc+proto" };
    if (behaviour !== "ok") {
      stream.respond({ ...headers, "grpc-status": codes[behaviour], "grpc-message": "bench" }, { endStream: true });
      return;
    }
    const messageIds = decode(body).messages.map(() => String((lastId += 1)));
    const answer = Buffer.from(publishResponse.encode({ messageIds }).finish());
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(answer.length, 1);
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": 0 }));
    stream.respond(headers, { waitForTrailers: true });
    stream.end(Buffer.concat([prefix, answer]));
  });
}
