import { entryHash } from "@indelible/schemas/entry.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type {
  BatchColumn,
  CellValue,
  ReadRequest,
  RowBatch,
  RowRead,
  RowReader,
} from "@indelible/ledger/row-reader.ts";

/** A row by its columns; what is not there is NULL. */
export type StoredRow = { [column: string]: CellValue };

/** The rows of a warehouse, in memory, for whoever tests sealing. Read in an order that nobody should rely on. */
export class SealedWarehouse implements RowReader {
  readonly tables: Map<TableName, StoredRow[]> = new Map();
  /** Every read: what was asked. */
  readonly reads: ReadRequest[] = [];
  /** Called before each read. */
  beforeRead: (request: ReadRequest) => void = () => {};
  /** Rows of a batch. */
  batchRows = 7;

  rows(table: TableName): StoredRow[] {
    let rows = this.tables.get(table);
    if (rows === undefined) this.tables.set(table, (rows = []));
    return rows;
  }

  /** Appends a conversation with this number, ingested at this microsecond. */
  log(number: number, ingestedAt: bigint, table: TableName = "conversations"): StoredRow {
    const logId = `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
    const event = {
      log_id: logId,
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
    this.rows(table).push(row);
    return row;
  }

  async read(request: ReadRequest): Promise<RowRead | undefined> {
    this.reads.push(request);
    this.beforeRead(request);
    const { table, from, until } = request;
    const rows = this.tables.get(table)?.filter(({ ingested_at: at }) => {
      const time = at as bigint;
      return (from === undefined || time >= from) && (until === undefined || time < until);
    });
    if (rows === undefined) return undefined;
    const session = `projects/p/locations/local/sessions/${this.reads.length}`;
    return { session, batches: this.#batches(rows.toReversed(), request.columns) };
  }

  async close(): Promise<void> {}

  async *#batches(rows: readonly StoredRow[], columns: readonly string[]): AsyncGenerator<RowBatch> {
    for (let at = 0; at < rows.length; at += this.batchRows) {
      const part = rows.slice(at, at + this.batchRows);
      yield {
        length: part.length,
        column: (name) => {
          if (!columns.includes(name)) throw new Error(`${name} was not asked for`);
          return columnOf(part, name);
        },
      };
    }
  }
}

function columnOf(rows: readonly StoredRow[], name: string): BatchColumn {
  const value = (row: number): CellValue => rows[row]?.[name] ?? null;
  return {
    bytes: (row) => {
      const text = value(row);
      return typeof text === "string" ? Buffer.from(text) : undefined;
    },
    int64: (row) => {
      const number = value(row);
      return typeof number === "bigint" ? number : undefined;
    },
    value,
  };
}
