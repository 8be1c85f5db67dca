import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash, logIdOfMessage } from "@indelible/schemas/entry.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Slot, StoredMessage } from "./evidence.ts";
import type { ExpectedEvent, Published } from "./published.ts";

/** An entry that was published, in whatever messages. */
export interface Content {
  readonly table: TableName;
  readonly logId: string;
  readonly entryHash: string;
  /** The messages that hold it. */
  readonly messageIds: Set<string>;
}

/** A position of a message that holds a valid event. */
export interface ValidSlot {
  readonly content: Content;
  readonly dataHash: string;
}

/** A position of a message, or a message, that must become a dead letter. */
export interface FaultySlot extends Slot {
  readonly table: TableName;
  readonly reason: string;
  readonly dataHash: string;
}

/** What must be found, given what was published and under which IDs the broker has stored it. */
export class Expectation {
  readonly contents: Map<string, Content> = new Map();
  readonly #logIds = new Set<string>();
  readonly valid: Map<string, ValidSlot> = new Map();
  readonly faulty: Map<string, FaultySlot> = new Map();

  constructor(published: ReadonlyMap<number, Published>, stored: readonly StoredMessage[]) {
    for (const { messageId, publication } of stored) {
      const message = published.get(publication);
      for (const event of message?.events ?? []) this.#add(message as Published, messageId, event);
    }
  }

  /** The entry that a row claims to be; undefined when no such was published. */
  contentOf(table: string, logId: string, hash: string): Content | undefined {
    return this.contents.get(`${table}/${logId}/${hash}`);
  }

  /** Whether any entry of `table` was published with this `log_id`. */
  knows(table: string, logId: string): boolean {
    return this.#logIds.has(`${table}/${logId}`);
  }

  #add({ table }: Published, messageId: string, event: ExpectedEvent): void {
    const { index, dataHash } = event;
    const slot = slotKey({ messageId, index });
    if (event.kind === "fault") {
      this.faulty.set(slot, { table, messageId, index, reason: event.reason, dataHash });
      return;
    }
    const { logId, hash } = event.kind === "entry" ? { logId: event.logId, hash: event.entryHash } : named(event);
    const key = `${table}/${logId}/${hash}`;
    let content = this.contents.get(key);
    if (content === undefined) {
      content = { table, logId, entryHash: hash, messageIds: new Set() };
      this.contents.set(key, content);
      this.#logIds.add(`${table}/${logId}`);
    }
    content.messageIds.add(messageId);
    this.valid.set(slot, { content, dataHash });

    function named({ index, event }: ExpectedEvent & { kind: "anonymous" }): { logId: string; hash: string } {
      const logId = logIdOfMessage(table, messageId, index);
      return { logId, hash: entryHash(canonicalize({ ...event, log_id: logId })) };
    }
  }
}

export function slotKey({ messageId, index }: Slot): string {
  return `${messageId}/${index ?? ""}`;
}
