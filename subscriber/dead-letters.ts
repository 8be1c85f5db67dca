import { withDeadline } from "@indelible/publisher/deadline.ts";
import { requestsOf } from "@indelible/publisher/requests.ts";
import type { BatchTransport, TransportMessage } from "@indelible/publisher/transport.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { deadLetterMessages } from "./dead-letter-message.ts";
import type { Fault } from "./decode.ts";
import type { Message } from "./message.ts";

/** Publishes what could not be accepted. */
export interface DeadLetters {
  /**
   * Resolves when Pub/Sub has acknowledged a dead letter for each fault; only then may the message be acknowledged. What was published before a
   * failure is published again at the redelivery: a second message, the same entry.
   *
   * @throws ERR_PUBLISH, retryable: some may not be published
   */
  publish(table: TableName, message: Message, faults: readonly Fault[]): Promise<void>;
}

/** Of one message's faults: together they are at most 16 MiB, but there may be 50,000 of them. */
const MAX_REQUESTS_IN_FLIGHT = 3;

/** A publisher of dead letters to `topic`, with a deadline of `deadlineMs`, default 10,000, for each request. */
export function pubsubDeadLetters(
  transport: Pick<BatchTransport, "publishAll">,
  topic: string,
  deadlineMs = 10_000,
): DeadLetters {
  return {
    async publish(table, message, faults) {
      const requests = requestsOf(messagesOf(table, message, faults));
      const failures: unknown[] = [];
      const send = async (): Promise<void> => {
        for (const request of requests) {
          try {
            const work = transport.publishAll(topic, request, deadlineMs);
            await withDeadline(work, deadlineMs, `publishing to ${topic}`, true);
          } catch (error) {
            failures.push(error);
            // Ends the shared source too: the message comes again, and what Pub/Sub does not answer takes the whole deadline.
            return;
          }
        }
      };
      // They share one source of requests. What is in flight is waited for, also after a failure: it holds memory.
      await Promise.all(Array.from({ length: MAX_REQUESTS_IN_FLIGHT }, send));
      if (failures.length === 0) return;
      const text = `not all of the ${faults.length} dead letters of message ${message.id} were published`;
      throw new IndelibleError("ERR_PUBLISH", text, { cause: failures[0] });
    },
  };
}

/** Made as they are sent, so that the messages of 50,000 faults are not there at once. */
function* messagesOf(table: TableName, message: Message, faults: readonly Fault[]): Generator<TransportMessage> {
  for (const fault of faults) yield* deadLetterMessages(table, message, fault);
}
