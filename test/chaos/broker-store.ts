import { DatabaseSync } from "node:sqlite";
import { deadLetterTopic, topicOf } from "@indelible/schemas/names.ts";
import type { Slot, StoredMessage } from "./evidence.ts";
import { chaosTables } from "./events.ts";

export interface BrokerStore {
  /** Messages that a push subscription has still to acknowledge. */
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
    const undelivered = database
      .prepare(
        "SELECT COUNT(*) AS n FROM deliveries d JOIN subscriptions s ON s.id = d.subscription_id WHERE s.name LIKE '%.function'",
      )
      .get()?.["n"];
    const stored = chaosTables.flatMap((table) =>
      [...messagesOf(topicOf(table))].map(({ messageId, attributes }) => ({
        messageId,
        table,
        publication: Number(attributes["publication"]),
      })),
    );
    const sentDeadLetters = [...messagesOf(deadLetterTopic())].map(({ attributes }) => {
      const index = attributes["indelible.index"];
      return {
        messageId: attributes["indelible.message_id"] ?? "",
        index: index === undefined ? undefined : Number(index),
      };
    });
    return { undelivered: Number(undelivered), stored, sentDeadLetters };
  } finally {
    database.close();
  }
}
