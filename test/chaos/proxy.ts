import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { Random } from "../../local/random.ts";

/** Less than that is a frame of HTTP/2 itself. */
const MIN_ANSWER_BYTES = 60;

/** A TCP proxy on 127.0.0.1, in the middle of two services, whose connections can be cut. */
export class Proxy {
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  /** Connections to be cut as soon as something is sent over them. */
  #cutsToCome = 0;
  #answered = Promise.withResolvers<void>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /**
   * Listens on a free port and connects to the port that `target` gives at the time. `onData` sees what goes there,
   * one listener for each connection.
   */
  static async start(target: () => number, onData?: () => (chunk: Buffer) => void): Promise<Proxy> {
    const server = createServer({ noDelay: true });
    const proxy = new Proxy(server);
    server.on("connection", (client) => proxy.#join(client, target(), onData?.()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts one of the open connections; when there is none, the next one, in its first words. */
  cut(random: Random): void {
    const victim = [...this.#connections][Math.floor(random() * this.#connections.size)];
    if (victim === undefined) this.#cutsToCome += 1;
    else victim.resetAndDestroy();
  }

  /** Resolves in the turn in which the next answer passes. */
  nextAnswer(): Promise<void> {
    return this.#answered.promise;
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
  }

  #join(client: Socket, port: number, onData: ((chunk: Buffer) => void) | undefined): void {
    const server = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#connections.add(client);
    if (onData !== undefined) client.on("data", onData);
    client.pipe(server).pipe(client);
    server.on("data", (chunk: Buffer) => {
      if (chunk.length < MIN_ANSWER_BYTES) return;
      this.#answered.resolve();
      this.#answered = Promise.withResolvers();
    });
    client.once("data", () => {
      if (this.#cutsToCome === 0) return;
      this.#cutsToCome -= 1;
      client.resetAndDestroy();
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on("error", () => {});
      one.on("close", () => {
        this.#connections.delete(client);
        other.destroy();
      });
    }
  }
}
