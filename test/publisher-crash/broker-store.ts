import { DatabaseSync } from "node:sqlite";
import { topicOf } from "@indelible/schemas/names.ts";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { crashTables, sha256, slotColumn, slotOf, textColumn, type CrashTable } from "./events.ts";
import type { Entry } from "./oracle.ts";

/** What the messages hold that a broker has stored. */
export interface BrokerStore {
  readonly messages: number;
  /** Events in all messages, as often as they were sent. */
  readonly events: number;
  /** The events collapsed by `log_id`, as the history views do it. */
  readonly entries: readonly Entry[];
  /** Messages that a subscription has still to acknowledge. */
  readonly undelivered: number;
  readonly undecodable: readonly string[];
}

/** Reads what a broker has on disk, by the subscriber's own `decode`. It must not be running. */
export function readBrokerStore(dataFolder: string, project: string): BrokerStore {
  const database = new DatabaseSync(`${dataFolder}/pubsub.sqlite`, { readOnly: true });
  const entries = new Map<string, { readonly entry: Entry; readonly text: string; conflict: boolean }>();
  const faults: Fault[] = [];
  let [messages, events] = [0, 0];
  const read = database.prepare(
    "SELECT m.id, m.attributes, m.data FROM messages m JOIN topics t ON t.id = m.topic_id WHERE t.name = ? ORDER BY m.id",
  );
  try {
    for (const table of crashTables) {
      for (const row of read.iterate(`projects/${project}/topics/${topicOf(table)}`)) {
        const attributes = JSON.parse(String(row["attributes"])) as { [name: string]: string };
        const message = {
          id: String(row["id"]),
          publishedAt: 0,
          data: Buffer.from(row["data"] as Uint8Array),
          attributes,
        };
        const { lines } = decode(message, faults);
        messages += 1;
        events += lines.length;
        for (const { text } of lines) {
          const entry = entryOf(table, text);
          const key = `${table} ${entry.logId}`;
          const known = entries.get(key);
          if (known === undefined) entries.set(key, { entry, text: sha256(text), conflict: false });
          else known.conflict ||= known.text !== sha256(text);
        }
      }
    }
    const undelivered = Number(database.prepare("SELECT COUNT(*) AS n FROM deliveries").get()?.["n"]);
    const collapsed = [...entries.values()].map(({ entry, conflict }) => ({ ...entry, conflict }));
    return { messages, events, entries: collapsed, undelivered, undecodable: faults.map(({ code }) => code) };
  } finally {
    database.close();
  }
}

/** What is no event, or none of a victim's, is an entry that nobody has logged. */
function entryOf(table: CrashTable, text: string): Entry {
  const event = parse(text);
  const [logId, slot, content] = [event["log_id"], event[slotColumn[table]], event[textColumn[table]]].map(String);
  return { table, logId: logId!, slot: slotOf(slot!), textHash: sha256(content!), conflict: false };
}

function parse(text: string): { readonly [column: string]: unknown } {
  try {
    return JSON.parse(text) as { readonly [column: string]: unknown };
  } catch {
    return {};
  }
}
