import type { TransportMessage } from "./transport.ts";

/** Pub/Sub takes 1,000 messages and 10 MB in a request; what frames the messages counts too. */
export const MAX_REQUEST_MESSAGES = 1000;
export const MAX_REQUEST_BYTES = 9_000_000;

/**
 * Messages in requests that Pub/Sub takes, in order, each made when it is asked for. A message that is too large for any is alone in
 * its request.
 */
export function* requestsOf(messages: Iterable<TransportMessage>): Generator<TransportMessage[]> {
  let request: TransportMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = bytesOf(message);
    if (request.length === MAX_REQUEST_MESSAGES || (request.length > 0 && bytes + size > MAX_REQUEST_BYTES)) {
      yield request;
      request = [];
      bytes = 0;
    }
    request.push(message);
    bytes += size;
  }
  if (request.length > 0) yield request;
}

/** Protocol Buffers put at most 16 bytes around an attribute and around a message. */
const FRAME_BYTES = 16;

/** What a message takes in a request, at most. */
export function bytesOf({ data, attributes }: TransportMessage): number {
  let bytes = data.length + FRAME_BYTES;
  for (const [name, value] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value) + FRAME_BYTES;
  }
  return bytes;
}
