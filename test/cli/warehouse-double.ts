import { entryHash } from "@indelible/schemas/entry.ts";
import type { Reader, StoredDeadLetter, StoredEntry } from "../../cli/delivery/warehouse.ts";

/** A warehouse in memory: `log_id`s by table, which tests fill, and what it is asked about them. */
export class WarehouseDouble implements Reader {
  readonly stored: Map<string, Map<string, Partial<StoredEntry>>> = new Map();
  readonly dead: StoredDeadLetter[] = [];
  readonly appeared: { table: string; logId: string; publisherId: string }[] = [];
  /** Called at each question, before it is answered. */
  onQuestion: () => void = () => {};

  store(table: string, logId: string, fields: Partial<StoredEntry> = {}): void {
    const entries = this.stored.get(table) ?? new Map<string, Partial<StoredEntry>>();
    this.stored.set(table, entries.set(logId, fields));
  }

  bury(table: string, logId: string, deadLetterId: string): void {
    this.dead.push({
      dead_letter_id: deadLetterId,
      source_log_id: logId,
      source_table: table,
      reason: "ERR_INVALID_EVENT",
      reason_detail: "broken",
    });
  }

  present(table: string, logIds: readonly string[]): Promise<Set<string>> {
    this.onQuestion();
    return Promise.resolve(new Set(logIds.filter((id) => this.stored.get(table)?.has(id))));
  }

  async *entries(table: string, logIds: readonly string[]): AsyncGenerator<StoredEntry> {
    for (const log_id of await this.present(table, logIds)) {
      const entry = `{"log_id":"${log_id}"}`;
      yield { log_id, entry, entry_hash: entryHash(entry), conflict: false, ...this.stored.get(table)?.get(log_id) };
    }
  }

  deadLetters(logIds: readonly string[]): Promise<StoredDeadLetter[]> {
    this.onQuestion();
    return Promise.resolve(this.dead.filter(({ source_log_id }) => logIds.includes(source_log_id)));
  }

  idsSince(table: string, _since: Date, publisherIds?: readonly string[]): Promise<string[]> {
    const found = this.appeared.filter(
      (entry) => entry.table === table && (publisherIds === undefined || publisherIds.includes(entry.publisherId)),
    );
    return Promise.resolve(found.map(({ logId }) => logId));
  }

  costs(): Promise<[]> {
    return Promise.resolve([]);
  }
}
