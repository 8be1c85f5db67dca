import type { TableName } from "@indelible/schemas/tables.ts";

/** A value of a column. Timestamps are microseconds since 1970; JSON is its text. */
export type CellValue =
  | string
  | bigint
  | number
  | boolean
  | null
  | readonly CellValue[]
  | { readonly [field: string]: CellValue };

/** One column of a batch. Rows count from 0. */
export interface BatchColumn {
  /** UTF-8 of a text (STRING, JSON), or undefined for NULL. A view: valid as long as the batch is. */
  bytes(row: number): Uint8Array | undefined;
  /** A whole number (INT64), or a TIMESTAMP in microseconds; undefined for NULL. */
  int64(row: number): bigint | undefined;
  /** Any value. */
  value(row: number): CellValue;
}

/** Some rows, by column. */
export interface RowBatch {
  readonly length: number;
  /** @throws ERR_READ when it was not asked for */
  column(name: string): BatchColumn;
}

export interface ReadRequest {
  readonly table: TableName;
  /** Names of columns. */
  readonly columns: readonly string[];
  /** Only rows whose `ingested_at` is at least this, in microseconds since 1970. Default: no bound. */
  readonly from?: bigint | undefined;
  /** Only rows whose `ingested_at` is below this. Default: no bound. */
  readonly until?: bigint | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A read under way: what it sees is the table as it was when it began. */
export interface RowRead {
  /** Name of the read session, as the access audit has it. */
  readonly session: string;
  /** The rows, in no order. To be iterated once; leaving the loop ends the read. */
  readonly batches: AsyncIterable<RowBatch>;
}

/** Reads the raw tables. Memory: a few batches of at most some MB, whatever the table's size. */
export interface RowReader {
  /**
   * @throws ERR_READ (retryable), ERR_ACCESS_DENIED; when there is no such table it resolves to undefined. The iteration throws the same
   */
  read(request: ReadRequest): Promise<RowRead | undefined>;
  close(): Promise<void>;
}
