import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { google } from "@google-cloud/pubsub/build/protos/protos.js";
import { parseAckId } from "./ack-ids.ts";
import type { Consumer, Lease } from "./leases.ts";
import { checkAckDeadline } from "./limits.ts";
import type { Log } from "../log.ts";
import { receivedMessage } from "./received-message.ts";
import { StatusError } from "./status.ts";
import type { Subscription } from "./subscriptions.ts";

type Request = google.pubsub.v1.IStreamingPullRequest;
type Response = google.pubsub.v1.IStreamingPullResponse;
export type StreamingPullCall = ServerDuplexStream<Request, Response>;

const MAX_BATCH_MESSAGES = 1000;
const MAX_BATCH_BYTES = 1024 * 1024;

/**
 * One stream. It has at most what its flow control allows out on lease at a time, and stops reading from disk while
 * the connection is full. When it ends, its leases run on: the client may still acknowledge by a call of its own.
 */
export class StreamingPull implements Consumer {
  readonly #call: StreamingPullCall;
  readonly #subscription: Subscription;
  readonly #fail: (error: unknown) => void;
  readonly #log: Log;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #ackDeadlineMs: number;
  #messages = 0;
  #bytes = 0;
  #full = false;

  /**
   * @param fail ends the call with an error.
   * @throws {StatusError} INVALID_ARGUMENT
   */
  constructor(
    call: StreamingPullCall,
    subscription: Subscription,
    first: Request,
    fail: (error: unknown) => void,
    log: Log,
  ) {
    this.#call = call;
    this.#subscription = subscription;
    this.#fail = fail;
    this.#log = log;
    this.#maxMessages = limit(first.maxOutstandingMessages);
    this.#maxBytes = limit(first.maxOutstandingBytes);
    this.#ackDeadlineMs = streamDeadlineMs(first.streamAckDeadlineSeconds ?? 0);
    this.#settle(first);
    call.on("drain", () => {
      this.#full = false;
      this.wake();
    });
    subscription.leases.add(this);
  }

  /** A further request on the stream. @throws {StatusError} INVALID_ARGUMENT */
  receive(request: Request): void {
    if (
      request.subscription ||
      request.clientId ||
      Number(request.maxOutstandingMessages) ||
      Number(request.maxOutstandingBytes)
    ) {
      throw new StatusError(
        "INVALID_ARGUMENT",
        "Only the first request of a stream names subscription, client and flow control.",
      );
    }
    if (request.streamAckDeadlineSeconds) this.#ackDeadlineMs = streamDeadlineMs(request.streamAckDeadlineSeconds);
    this.#settle(request);
  }

  wake(): void {
    while (!this.#full && this.#messages < this.#maxMessages && this.#bytes < this.#maxBytes) {
      const deliveries = this.#subscription.leases.take(
        Math.min(MAX_BATCH_MESSAGES, this.#maxMessages - this.#messages),
        Math.min(MAX_BATCH_BYTES, this.#maxBytes - this.#bytes),
        this.#ackDeadlineMs,
        this,
      );
      if (deliveries.length === 0) return;
      for (const { lease } of deliveries) {
        this.#messages++;
        this.#bytes += lease.bytes;
      }
      const receivedMessages = deliveries.map((delivery) => receivedMessage(this.#subscription, delivery));
      this.#full = !this.#call.write({ receivedMessages });
    }
  }

  released(lease: Lease): void {
    this.#messages--;
    this.#bytes -= lease.bytes;
    this.#subscription.leases.wake();
  }

  end(reason: StatusError): void {
    this.#fail(reason);
  }

  close(): void {
    this.#subscription.leases.remove(this);
  }

  #settle(request: Request): void {
    const { leases, id } = this.#subscription;
    const ackIds = (request.ackIds ?? []).map((ackId) => parseAckId(id, ackId));
    const modified = (request.modifyDeadlineAckIds ?? []).map((ackId) => parseAckId(id, ackId));
    const seconds = (request.modifyDeadlineSeconds ?? []).map(checkAckDeadline);
    if (modified.length !== seconds.length) {
      throw new StatusError(
        "INVALID_ARGUMENT",
        "modify_deadline_ack_ids and modify_deadline_seconds differ in length.",
      );
    }
    for (const [index, ackId] of modified.entries()) leases.modifyDeadline(ackId, seconds[index] ?? 0);
    if (ackIds.length === 0) return;
    // The protocol has no answer to these: what could not be stored is delivered again.
    leases.acknowledge(ackIds).catch((error: unknown) => {
      this.#log("WARNING", "Acknowledgements were not stored", { reason: String(error) });
    });
  }
}

/** A limit of flow control; not positive means none. */
function limit(value: unknown): number {
  const number = Number(value ?? 0);
  return number > 0 ? number : Infinity;
}

function streamDeadlineMs(seconds: number): number {
  if (seconds < 10 || seconds > 600) {
    throw new StatusError("INVALID_ARGUMENT", "stream_ack_deadline_seconds must be between 10 and 600.");
  }
  return seconds * 1000;
}
