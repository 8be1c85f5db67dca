/**
 * The other end, a process of its own: `node bench/publisher/sink.ts KIND BEHAVIOUR`, driven over IPC. Keeps what it gets and
 * counts the events in it when asked, so that decompressing costs nothing while something is measured.
 */
import type { Server, Socket } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { eventsIn } from "./events.ts";
import { grpcAnswers, messagesIn, servePublish, type GrpcBehaviour } from "./grpc-sink.ts";

export type SinkKind = "http" | "grpc";
/** `mute` accepts connections and never says a word; `hang` takes whole requests and never answers them. */
export type Behaviour = GrpcBehaviour | "mute";
export type SinkQuestion = "reset" | "count";

export interface SinkCount {
  /** Received on sockets, framing included. */
  readonly bytes: number;
  readonly requests: number;
  readonly events: number;
}

const sockets = new Set<Socket>();
let closedBytes = 0;
let bytesAtReset = 0;
let bodies: Buffer[] = [];
/** Beyond it bodies are no longer kept: a sender that repeats itself for ever must not fill the memory. */
const MAX_KEPT_BYTES = 1024 ** 3;
let keptBytes = 0;

function keep(body: Buffer): void {
  keptBytes += body.length;
  if (keptBytes <= MAX_KEPT_BYTES) bodies.push(body);
}

function watch(server: Server): void {
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      closedBytes += socket.bytesRead;
    });
  });
}

function receivedBytes(): number {
  let bytes = closedBytes;
  for (const socket of sockets) bytes += socket.bytesRead;
  return bytes;
}

/** What LangSmith's client asks before it sends: everything that makes it cheaper is allowed. */
const LANGSMITH_INFO = JSON.stringify({
  version: "0.16.14",
  instance_flags: { gzip_body_enabled: true, zstd_compression_enabled: true },
  batch_ingest_config: { use_multipart_endpoint: true, size_limit: 100, size_limit_bytes: 20_971_520 },
});

function httpServer(): Server {
  return createHttpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "POST") keep(Buffer.concat(chunks));
      const isProto = request.headers["content-type"] === "application/x-protobuf";
      response.writeHead(200, { "content-type": isProto ? "application/x-protobuf" : "application/json" });
      // An empty text is an empty Protocol Buffers message.
      response.end(isProto ? "" : request.url === "/info" ? LANGSMITH_INFO : "{}");
    });
  });
}

function serverOf(kind: SinkKind, behaviour: Behaviour): Server {
  if (behaviour === "mute") return createTcpServer((socket) => socket.on("error", () => {}).resume());
  if (kind === "http") return httpServer();
  // HTTP/2's own 64 KiB would make a message of 1 MB wait for sixteen round trips.
  const server = createHttp2Server({ settings: { initialWindowSize: 4 * 1024 * 1024 } });
  server.on("session", (session) => session.setLocalWindowSize(16 * 1024 * 1024));
  server.on("stream", (stream) => servePublish(stream, behaviour, keep));
  return server;
}

function decompressed(data: Buffer): Buffer {
  if (data.length >= 4 && data.readUInt32LE(0) === 0xfd2fb528) return zstdDecompressSync(data);
  if (data.length >= 2 && data.readUInt16BE(0) === 0x1f8b) return gunzipSync(data);
  return data;
}

function count(kind: SinkKind): SinkCount {
  let events = 0;
  for (const body of bodies) {
    for (const data of kind === "grpc" ? messagesIn(body) : [body]) events += eventsIn(decompressed(data));
  }
  return { bytes: receivedBytes() - bytesAtReset, requests: bodies.length, events };
}

const [kind, behaviour] = process.argv.slice(2) as [SinkKind, Behaviour];
if ((kind !== "http" && kind !== "grpc") || (behaviour !== "mute" && !grpcAnswers.includes(behaviour))) {
  throw new Error("node bench/publisher/sink.ts http|grpc ok|hang|mute|RESOURCE_EXHAUSTED|PERMISSION_DENIED");
}
const server = serverOf(kind, behaviour);
watch(server);
server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on("message", (question: SinkQuestion) => {
  if (question === "count") process.send?.(count(kind));
  if (question !== "reset") return;
  bodies = [];
  keptBytes = 0;
  bytesAtReset = receivedBytes();
  process.send?.({});
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit(0));
