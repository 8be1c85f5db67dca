import type {
  BatchColumn,
  CellValue,
  ReadRequest,
  RowBatch,
  RowRead,
  RowReader,
} from "@indelible/ledger/row-reader.ts";
import { rowColumns, tableNames, tables, type TableName } from "@indelible/schemas/tables.ts";

/** A row by its columns; a column that is not there is NULL. */
export type CellRow = { readonly [column: string]: CellValue };

/** Rows as a reader gives them. */
export function batchOf(table: TableName, rows: readonly CellRow[]): RowBatch {
  const known = rowColumns(tables[table]);
  return {
    length: rows.length,
    column(name): BatchColumn {
      if (!Object.hasOwn(known, name)) throw new Error(`there is no column ${name}`);
      const value = (row: number): CellValue => rows[row]?.[name] ?? null;
      return {
        value,
        bytes(row) {
          const text = value(row);
          return typeof text === "string" ? Buffer.from(text) : undefined;
        },
        int64(row) {
          const number = value(row);
          return typeof number === "bigint" ? number : undefined;
        },
      };
    },
  };
}

/** Tables in memory, whose rows a test can do anything to. */
export class MemoryWarehouse {
  readonly tables: Map<TableName, CellRow[]> = new Map(tableNames.map((name) => [name, []]));
  /** Every read that was begun, in order. */
  readonly reads: ReadRequest[] = [];
  /** Rows that readers have taken. */
  rowsRead = 0;
  rowsPerBatch = 7;
  /** Called before each batch is given out. */
  onBatch: () => void = () => {};

  rows(table: TableName): CellRow[] {
    const rows = this.tables.get(table);
    if (rows === undefined) throw new Error(`there is no table ${table}`);
    return rows;
  }

  /** The table's rows are those that the generator gives, in every read, whatever its range. */
  readonly endless: Map<TableName, () => Iterable<CellRow>> = new Map();

  reader(): RowReader {
    return {
      read: async (request) => this.#read(request),
      close: async () => {},
    };
  }

  #read(request: ReadRequest): RowRead | undefined {
    this.reads.push(request);
    const { table, from, until, signal } = request;
    const rows = this.tables.get(table);
    if (rows === undefined) return undefined;
    const isAsked = ({ ingested_at: time }: CellRow): boolean =>
      (from === undefined && until === undefined) ||
      (typeof time === "bigint" && (from === undefined || time >= from) && (until === undefined || time < until));
    const source = this.endless.get(table)?.() ?? rows.filter(isAsked);
    return { session: `sessions/${this.reads.length}`, batches: this.#batches(table, source, signal) };
  }

  async *#batches(
    table: TableName,
    rows: Iterable<CellRow>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<RowBatch> {
    const give = (batch: readonly CellRow[]): RowBatch => {
      this.onBatch();
      signal?.throwIfAborted();
      this.rowsRead += batch.length;
      return batchOf(table, batch);
    };
    let batch: CellRow[] = [];
    for (const row of rows) {
      batch.push(row);
      if (batch.length < this.rowsPerBatch) continue;
      yield give(batch);
      batch = [];
    }
    if (batch.length > 0) yield give(batch);
  }
}
