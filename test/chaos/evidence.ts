import type { TableName } from "@indelible/schemas/tables.ts";

/** What a run has left behind, as the oracle judges it. */
export interface Evidence {
  /** Every message that the broker has stored in the topics of tables. */
  readonly stored: readonly StoredMessage[];
  /** The dead letters that the broker has stored in their topic. */
  readonly sentDeadLetters: readonly Slot[];
  /** The dead letters that were pulled from the safety-net subscription. */
  readonly safetyNet: readonly Slot[];
  /** Rows of the raw tables, as often as there are. */
  readonly rows: readonly RowGroup[];
  readonly history: readonly HistoryEntry[];
  readonly deadLetters: readonly DeadLetter[];
  /** How often a push of this message set out. */
  readonly deliveries: (messageId: string) => number;
}

export interface StoredMessage {
  readonly messageId: string;
  readonly table: TableName;
  /** Its attribute `publication`. */
  readonly publication: number;
}

/** The place of an event: a message, and its position in it; without one, the whole message. */
export interface Slot {
  readonly messageId: string;
  readonly index: number | undefined;
}

/** The place that the attributes of a dead letter name. */
export function slotOf(attributes: { readonly [name: string]: string }): Slot {
  const index = attributes["indelible.index"];
  const messageId = attributes["indelible.message_id"] ?? "";
  return { messageId, index: index === undefined ? undefined : Number(index) };
}

/** Equal rows of a raw table that came in the same message. */
export interface RowGroup {
  readonly table: TableName;
  readonly logId: string;
  readonly entryHash: string;
  readonly messageId: string;
  readonly copies: number;
  /** Those whose `entry_hash` is not that of their `entry`. */
  readonly wrongHashes: number;
}

/** A row of the view `<table>_history`. */
export interface HistoryEntry {
  readonly table: TableName;
  readonly logId: string;
  readonly entry: string;
  readonly entryHash: string;
  readonly conflict: boolean;
}

/** A row of the view `dead_letters_history`, as its entry has it. */
export interface DeadLetter extends Slot {
  readonly table: string;
  readonly reason: string;
  /** The original bytes. */
  readonly data: Buffer;
  readonly entry: string;
  readonly entryHash: string;
  readonly conflict: boolean;
}
