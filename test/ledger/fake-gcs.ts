import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { crc32cBase64 } from "@indelible/ledger/crc32c.ts";

/**
 * What becomes of the next request: `before` is it not carried out, `after` it is, and then the answer is lost (`reset`), is a 503, or
 * never comes (`hang`). A number is answered as it is, without carrying out. `damaged`: the data of the answer is changed on the way.
 */
export type Fault =
  | "none"
  | "before-503"
  | "after-503"
  | "before-reset"
  | "after-reset"
  | "after-hang"
  | "damaged"
  | "without-checksum"
  | number;

interface StoredObject {
  readonly data: Buffer;
  readonly metadata: { readonly [name: string]: unknown };
}

/** The JSON API of Cloud Storage, as far as the store uses it, with one bucket in memory. */
export class FakeGcs {
  readonly objects: Map<string, StoredObject> = new Map();
  readonly faults: Fault[] = [];
  readonly requests: string[] = [];
  pageSize = 1000;
  readonly #bucket: string;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  constructor(bucket: string) {
    this.#bucket = bucket;
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? "", "http://fake");
    this.requests.push(`${request.method} ${url.pathname}`);
    const fault = this.faults.shift() ?? "none";
    if (typeof fault === "number") return sendError(response, fault, `status ${fault}`);
    if (fault === "before-503") return sendError(response, 503, "unavailable");
    if (fault === "before-reset") return void request.socket.destroy();
    const held = new HeldResponse();
    this.#carryOut(request, url, Buffer.concat(chunks), held);
    if (fault === "after-hang") return;
    if (fault === "after-reset") return void request.socket.destroy();
    if (fault === "after-503") return sendError(response, 503, "unavailable");
    if (fault === "without-checksum") delete held.headers["x-goog-hash"];
    const body = fault === "damaged" ? Buffer.concat([held.body, Buffer.from("!")]) : held.body;
    response.writeHead(held.status, held.headers).end(body);
  }

  #carryOut(request: IncomingMessage, url: URL, body: Buffer, response: HeldResponse): void {
    const [, bucket, encoded] = /\/b\/([^/]+)\/o(?:\/(.+))?$/.exec(url.pathname) ?? [];
    if (bucket !== this.#bucket) return response.error(404, "The specified bucket does not exist.");
    if (request.method === "POST") return this.#insert(request, url, body, response);
    if (encoded === undefined) return this.#list(url, response);
    const name = decodeURIComponent(encoded);
    const object = this.objects.get(name);
    if (object === undefined) return response.error(404, `No such object: ${bucket}/${name}`);
    if (url.searchParams.get("alt") !== "media") return response.json({ name, ...object.metadata });
    response.headers = { "x-goog-hash": `crc32c=${crc32cBase64(object.data)},md5=AAAAAAAAAAAAAAAAAAAAAA==` };
    response.body = object.data;
  }

  #insert(request: IncomingMessage, url: URL, body: Buffer, response: HeldResponse): void {
    const name = url.searchParams.get("name") ?? "";
    const boundary = /boundary="?([^";]+)/.exec(request.headers["content-type"] ?? "")?.[1] ?? "";
    const [first, second] = partsOf(body, boundary);
    const metadata = JSON.parse(String(first)) as { readonly crc32c?: string };
    if (url.searchParams.get("ifGenerationMatch") === "0" && this.objects.has(name)) {
      return response.error(412, "At least one of the pre-conditions you specified did not hold.");
    }
    const data = second ?? Buffer.of();
    if (metadata.crc32c !== crc32cBase64(data)) return response.error(400, "Provided CRC32C does not match.");
    this.objects.set(name, { data, metadata });
    response.json({ name, ...metadata });
  }

  #list(url: URL, response: HeldResponse): void {
    const query = url.searchParams;
    const start = query.get("pageToken") ?? query.get("startOffset") ?? "";
    const names = [...this.objects.keys()]
      .filter((name) => name.startsWith(query.get("prefix") ?? "") && name >= start)
      .toSorted();
    const next = names[this.pageSize];
    response.json({
      items: names.slice(0, this.pageSize).map((name) => ({ name })),
      ...(next === undefined ? {} : { nextPageToken: next }),
    });
  }
}

class HeldResponse {
  status = 200;
  headers: { [name: string]: string } = { "content-type": "application/json" };
  body: Buffer = Buffer.of();

  json(value: unknown): void {
    this.body = Buffer.from(JSON.stringify(value));
  }

  error(status: number, message: string): void {
    this.status = status;
    this.json({ error: { code: status, message, errors: [{ message }] } });
  }
}

function sendError(response: ServerResponse, status: number, message: string): void {
  response
    .writeHead(status, { "content-type": "application/json" })
    .end(JSON.stringify({ error: { code: status, message, errors: [{ message }] } }));
}

/** The bodies of multipart/related. */
function partsOf(body: Buffer, boundary: string): Buffer[] {
  const parts: Buffer[] = [];
  const mark = Buffer.from(`--${boundary}`);
  for (let at = body.indexOf(mark); at >= 0;) {
    const next = body.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const head = body.indexOf("\r\n\r\n", at) + 4;
    parts.push(body.subarray(head, next - 2));
    at = next;
  }
  return parts;
}
