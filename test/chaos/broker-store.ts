import { DatabaseSync } from "node:sqlite";
import { deadLetterTopic, topicOf } from "@indelible/schemas/names.ts";
import { slotOf, type Slot, type StoredMessage } from "./evidence.ts";
import { chaosTables } from "./events.ts";

export interface BrokerStore {
  /** Messages that a subscription has still to acknowledge, each as often as there are such subscriptions. */
  readonly undelivered: number;
  readonly stored: readonly StoredMessage[];
  readonly sentDeadLetters: readonly Slot[];
}

/**
 * What a broker has on disk. It must not be running: only then is nothing on its way. The topics of a run retain what was
 * acknowledged.
 */
export function readBrokerStore(dataFolder: string, project: string): BrokerStore {
  const database = new DatabaseSync(`${dataFolder}/pubsub.sqlite`, { readOnly: true });
  const read = database.prepare(
    "SELECT m.id, m.attributes FROM messages m JOIN topics t ON t.id = m.topic_id WHERE t.name = ?",
  );
  function* messagesOf(topic: string): Generator<{ messageId: string; attributes: { [name: string]: string } }> {
    for (const { id, attributes } of read.iterate(`projects/${project}/topics/${topic}`)) {
      yield { messageId: String(id), attributes: JSON.parse(String(attributes)) as { [name: string]: string } };
    }
  }
  try {
    const undelivered = database.prepare("SELECT COUNT(*) AS n FROM deliveries").get()?.["n"];
    const stored = chaosTables.flatMap((table) =>
      [...messagesOf(topicOf(table))].map(({ messageId, attributes }) => ({
        messageId,
        table,
        publication: Number(attributes["publication"]),
      })),
    );
    const sentDeadLetters = [...messagesOf(deadLetterTopic())].map(({ attributes }) => slotOf(attributes));
    return { undelivered: Number(undelivered), stored, sentDeadLetters };
  } finally {
    database.close();
  }
}
