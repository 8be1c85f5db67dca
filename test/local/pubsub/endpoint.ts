import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface PushRequest {
  readonly headers: IncomingHttpHeaders;
  readonly body: {
    readonly message: Record<string, unknown>;
    readonly subscription: string;
    readonly deliveryAttempt?: number;
  };
  /** Answers it; until then it is in flight. */
  respond(status: number): void;
}

export interface Endpoint {
  readonly url: string;
  /** The next whole request, in the order of arrival. */
  next(): Promise<PushRequest>;
  /** Requests that ended before they were whole. */
  readonly cutOff: number;
  close(): void;
}

/** An HTTP server that hands each push request to the test, which answers when and how it likes. */
export async function startEndpoint(): Promise<Endpoint> {
  const arrived: PushRequest[] = [];
  const waiting: ((request: PushRequest) => void)[] = [];
  let cutOff = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      cutOff += 1;
      return;
    }
    const push: PushRequest = {
      headers: request.headers,
      body: JSON.parse(Buffer.concat(chunks).toString()) as PushRequest["body"],
      respond: (status) => void response.writeHead(status).end(),
    };
    const waiter = waiting.shift();
    if (waiter === undefined) arrived.push(push);
    else waiter(push);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/push`,
    next: () => {
      const request = arrived.shift();
      return request === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(request);
    },
    get cutOff() {
      return cutOff;
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
