import { replayAttributes } from "@indelible/schemas/attributes.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";

/** A Pub/Sub message as it reached us, by push or pull. */
export interface Message {
  readonly id: string;
  /** Pub/Sub's clock, in microseconds since 1970. */
  readonly publishedAt: number;
  readonly data: Buffer;
  readonly attributes: { readonly [name: string]: string };
}

/** Where the first event of a message came in at first: derived identities go by this, so that replays change none. */
export interface Origin {
  readonly messageId: string;
  /** Position of the event in that message. */
  readonly index: number;
  /** `dead_letter_id` of what the message replays. */
  readonly replayOf?: string;
}

/** The message itself, or, of a replay, the message that the dead letter came from. SPEC.md §7. */
export function originOf({ id, attributes }: Message): Origin {
  const replayOf = attributes[replayAttributes.replayOf] ?? "";
  const messageId = attributes[replayAttributes.messageId] ?? "";
  const index = attributes[replayAttributes.index] ?? "0";
  if (!/^[0-9a-f-]{36}$/.test(replayOf) || !/^[!-~]{1,128}$/.test(messageId) || !/^\d{1,15}$/.test(index)) {
    return { messageId: id, index: 0 };
  }
  return { messageId, index: Number(index), replayOf };
}

/**
 * Reads the body of a wrapped push request.
 *
 * @throws ERR_CONFIG when it is not one: then whoever sent it is not a Pub/Sub push subscription, or one without wrapping
 */
export function messageOfPush(body: unknown): Message {
  const message = record(record(body)?.["message"]);
  const id = message?.["messageId"];
  const publishedAt = typeof message?.["publishTime"] === "string" ? parseTimestamp(message["publishTime"]) : undefined;
  const data = message?.["data"] ?? "";
  const attributes = record(message?.["attributes"] ?? {});
  if (typeof id !== "string" || publishedAt === undefined || typeof data !== "string" || attributes === undefined) {
    throw new IndelibleError("ERR_CONFIG", "the request is not a wrapped Pub/Sub push", {
      hint: "Call this URL only from push subscriptions, with payload wrapping on.",
    });
  }
  return { id, publishedAt, data: Buffer.from(data, "base64"), attributes: attributes as Message["attributes"] };
}

function record(value: unknown): { readonly [name: string]: unknown } | undefined {
  return typeof value === "object" && value !== null ? (value as { [name: string]: unknown }) : undefined;
}
