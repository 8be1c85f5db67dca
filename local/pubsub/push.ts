import { Agent as HttpAgent, request as httpRequest, type ClientRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { BrokerFaults } from "./broker-faults.ts";
import type { Consumer, Delivery, Lease } from "./leases.ts";
import type { Log } from "../log.ts";
import { pushBody } from "./push-body.ts";
import { deliveryAttempt } from "./received-message.ts";
import type { Subscription } from "./subscriptions.ts";

const ACKNOWLEDGING_STATUSES: ReadonlySet<number | undefined> = new Set([102, 200, 201, 202, 204]);
const FIRST_WINDOW = 4;
const MAX_WINDOW = 100;
const MAX_IN_FLIGHT_BYTES = 16 * 1024 * 1024;
const MIN_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 60_000;

/**
 * Posts the messages of a subscription to its endpoint, one a request. The window of concurrent requests grows with
 * each success and halves with each failure; a failure also pauses the whole subscription, twice as long each time
 * until a request succeeds. A request that outlasts the ack deadline has failed.
 */
export class PushDelivery implements Consumer {
  readonly #subscription: Subscription;
  readonly #endpoint: URL;
  readonly #log: Log;
  readonly #faults: BrokerFaults | undefined;
  readonly #agent: HttpAgent;
  readonly #inFlight = new Map<Lease, ClientRequest>();
  #bytes = 0;
  #window = FIRST_WINDOW;
  #backoffMs = 0;
  #pause: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(subscription: Subscription, endpoint: string, log: Log, faults: BrokerFaults | undefined) {
    this.#subscription = subscription;
    this.#endpoint = new URL(endpoint);
    this.#log = log;
    this.#faults = faults;
    const Agent = this.#endpoint.protocol === "https:" ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: MAX_WINDOW });
  }

  wake(): void {
    while (!this.#ended && this.#pause === undefined && this.#hasRoom()) {
      const deadlineMs = this.#subscription.config.ackDeadlineSeconds * 1000;
      const [delivery] = this.#subscription.leases.take(1, Infinity, deadlineMs, this);
      if (delivery === undefined) return;
      this.#post(delivery);
    }
  }

  released(lease: Lease): void {
    const request = this.#inFlight.get(lease);
    if (request === undefined) return;
    this.#settle(lease, request);
    request.destroy();
    this.#failed("the lease ended before the endpoint answered");
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#pause);
    for (const request of this.#inFlight.values()) request.destroy();
    this.#agent.destroy();
  }

  #hasRoom(): boolean {
    return this.#inFlight.size < this.#window && this.#bytes < MAX_IN_FLIGHT_BYTES;
  }

  #post({ lease, message }: Delivery): void {
    const body = pushBody(this.#subscription.name, message, deliveryAttempt(this.#subscription, lease));
    const contentLength = body.reduce((sum, part) => sum + part.length, 0);
    const send = this.#endpoint.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(this.#endpoint, {
      method: "POST",
      agent: this.#agent,
      headers: { "content-type": "application/json", "content-length": contentLength, "user-agent": "APIs-Google" },
    });
    const fault = this.#faults?.at("push")?.kind;
    this.#inFlight.set(lease, request);
    this.#bytes += lease.bytes;
    request.on("response", (response) => {
      response.on("error", () => {});
      if (fault === "cut-after") return void request.destroy();
      response.on("end", () => {
        if (ACKNOWLEDGING_STATUSES.has(response.statusCode)) this.#succeed(lease, request);
        else this.#fail(lease, request, `status ${response.statusCode}`);
      });
      response.resume();
    });
    request.on("error", (error) => this.#fail(lease, request, error.message));
    request.on("close", () => this.#fail(lease, request, "the connection was closed"));
    if (fault === "cut-before") return void request.write(body[0] ?? "", "latin1", () => request.destroy());
    for (const part of body) request.write(part, "latin1");
    request.end();
  }

  #succeed(lease: Lease, request: ClientRequest): void {
    if (!this.#settle(lease, request)) return;
    this.#backoffMs = 0;
    this.#window = Math.min(MAX_WINDOW, this.#window + 1);
    const { leases, epoch } = this.#subscription;
    leases.acknowledge([{ epoch, messageId: lease.messageId }]).catch((error: unknown) => {
      this.#log("WARNING", "An acknowledgement was not stored", { reason: String(error) });
    });
  }

  #fail(lease: Lease, request: ClientRequest, reason: string): void {
    if (!this.#settle(lease, request)) return;
    this.#failed(reason);
    if (!this.#ended) this.#subscription.leases.fail(lease);
  }

  #failed(reason: string): void {
    if (this.#ended) return;
    this.#window = Math.max(1, Math.floor(this.#window / 2));
    // Requests that were on their way together fail together: they count once.
    if (this.#pause !== undefined) return;
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, Math.max(MIN_BACKOFF_MS, this.#backoffMs * 2));
    this.#log("WARNING", "A push failed; the subscription pauses", {
      subscription: this.#subscription.name,
      endpoint: this.#endpoint.origin,
      reason,
      pauseMs: this.#backoffMs,
    });
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#subscription.leases.wake();
    }, this.#backoffMs);
  }

  /** False when the request had been settled before; its message may be on its way again in another. */
  #settle(lease: Lease, request: ClientRequest): boolean {
    if (this.#inFlight.get(lease) !== request) return false;
    this.#inFlight.delete(lease);
    this.#bytes -= lease.bytes;
    return true;
  }
}
