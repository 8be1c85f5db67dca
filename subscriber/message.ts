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
