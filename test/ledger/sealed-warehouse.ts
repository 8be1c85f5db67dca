import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { CellValue, ReadRequest, RowRead, RowReader } from "@indelible/ledger/row-reader.ts";
import { MemoryWarehouse } from "./memory-warehouse.ts";

/** A row by its columns; what is not there is NULL. */
export type StoredRow = { [column: string]: CellValue };

/** A warehouse in memory for whoever tests sealing. Read in an order that nobody should rely on: the newest rows first. */
export class SealedWarehouse extends MemoryWarehouse implements RowReader {
  /** Called before each read. */
  beforeRead: (request: ReadRequest) => void = () => {};

  override rows(table: TableName): StoredRow[] {
    return super.rows(table) as StoredRow[];
  }

  /** Puts a conversation with this number, ingested at this microsecond, in front of the others. */
  log(number: number, ingestedAt: bigint, table: TableName = "conversations"): StoredRow {
    const event = {
      log_id: `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`,
      conversation_id: `c${number}`,
      business_id: "acme",
      agent_position: "CFO",
      started_at: "2026-01-31T09:30:00Z",
    };
    const entry = canonicalize(event);
    const row: StoredRow = {
      ...event,
      started_at: 1_769_851_800_000_000n,
      published_at: ingestedAt - 1000n,
      message_id: String(number),
      ingested_at: ingestedAt,
      schema_version: 1n,
      entry,
      entry_hash: entryHash(entry),
    };
    this.rows(table).unshift(row);
    return row;
  }

  async read(request: ReadRequest): Promise<RowRead | undefined> {
    this.beforeRead(request);
    const read = await this.reader().read(request);
    const number = this.reads.filter(({ table }) => table !== "seals").length;
    return read && { ...read, session: `projects/p/locations/local/sessions/${number}` };
  }

  async close(): Promise<void> {}
}
