import { status } from "@grpc/grpc-js";
import { StatusError } from "../storage-write/status.ts";
import { quoteName } from "../table-schema.ts";
import { serializeBatch } from "./arrow-messages.ts";
import { ColumnReader } from "./column-reader.ts";
import { bytesOf } from "./column-sql.ts";
import { SEGMENT_ROWS } from "./read-sessions.ts";
import { explainRestriction, ROW_NUMBER } from "./restriction.ts";
import { listAt } from "./result-vectors.ts";
import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement } from "@duckdb/node-api";
import type { Bytes } from "./arrow-messages.ts";
import type { ReadSession } from "./read-sessions.ts";

export type SerializedBatch = {
  readonly rowCount: number;
  readonly bytes: Bytes;
  /** What the memory of `bytes` belongs to. */
  readonly result: DuckDBDataChunk;
};
/** Runs a piece of work when DuckDB has room for it. */
export type Schedule = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** Some rows that follow each other: those of the session with numbers from `from` to below `to`. */
type Range = { readonly from: number; readonly to: number; readonly rows: number; readonly bytes: number };

/** Row numbers that are weighed together; then, where they weigh too much, fewer of them. */
const BLOCK_WIDTHS = [256, 16, 1] as const;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_ROWS = 8192;
const ROW_BYTES = 8;
const row = quoteName(ROW_NUMBER);

/** Reads the rows of a session in batches, over one transaction of a connection: what they show is one state of the table. */
export class RowBatches {
  readonly #session: ReadSession;
  readonly #connection: DuckDBConnection;
  readonly #schedule: Schedule;
  readonly #columns: ColumnReader;
  readonly #bytes: string;
  #statement: DuckDBPreparedStatement | undefined;

  /** `connection` is in a transaction, and is used by nobody else. */
  constructor(session: ReadSession, connection: DuckDBConnection, schedule: Schedule) {
    this.#session = session;
    this.#connection = connection;
    this.#schedule = schedule;
    // The first expression is the row numbers.
    this.#columns = new ColumnReader(session.schema, session.arrow, 1);
    this.#bytes = session.schema.fields.map(bytesOf).join(" + ");
  }

  /**
   * The rows from the session's row `offset` on, in the order in which they were appended.
   * @throws {StatusError} ABORTED when rows of the session have been changed or deleted
   */
  async *from(offset: number): AsyncGenerator<SerializedBatch, void, undefined> {
    let skip = offset;
    for (const segment of this.#session.segments) {
      if (skip >= segment.rows) {
        skip -= segment.rows;
        continue;
      }
      const start = segment.number * SEGMENT_ROWS;
      const end = Math.min(start + SEGMENT_ROWS, this.#session.lastRow + 1);
      const blocks = await this.#weigh(start, end, BLOCK_WIDTHS[0]);
      if (blocks.reduce((sum, { rows }) => sum + rows, 0) !== segment.rows) throw changed();
      for await (const range of this.#ranges(blocks)) {
        if (skip < range.rows) yield await this.#read(range, skip);
        skip = Math.max(0, skip - range.rows);
      }
    }
  }

  /** Lets go of what DuckDB keeps for this. */
  close(): void {
    this.#statement?.destroySync();
  }

  /** Puts blocks together, and takes those apart that are too large for a message. */
  async *#ranges(blocks: readonly Range[], level = 0): AsyncGenerator<Range, void, undefined> {
    let open: Range | undefined;
    for (const block of blocks) {
      const joined = open === undefined ? block : join(open, block);
      if (joined.bytes <= MAX_BATCH_BYTES && joined.rows <= MAX_BATCH_ROWS) {
        open = joined;
        continue;
      }
      if (open !== undefined) yield open;
      open = undefined;
      const width = BLOCK_WIDTHS[level + 1];
      if (block.bytes <= MAX_BATCH_BYTES) open = block;
      else if (width === undefined) yield block;
      else yield* this.#ranges(await this.#weigh(block.from, block.to, width), level + 1);
    }
    if (open !== undefined) yield open;
  }

  /** How many rows of the session there are in each block of so many row numbers, and how many bytes they take. */
  async #weigh(from: number, to: number, width: number): Promise<Range[]> {
    const sql =
      `SELECT CAST(${row} // ${width} AS DOUBLE), CAST(count(*) AS DOUBLE), CAST(sum(${this.#bytes}) AS DOUBLE) ` +
      `FROM ${this.#session.rows} WHERE ${row} >= ${from} AND ${row} < ${to} GROUP BY 1 ORDER BY 1`;
    const result = await this.#run(() => this.#connection.runAndReadAll(sql));
    return result.getRows().map(([block, rows, bytes]) => {
      const start = Number(block) * width;
      return { from: start, to: Math.min(start + width, to), rows: Number(rows), bytes: Number(bytes) };
    });
  }

  async #read({ from, to, rows }: Range, skip: number): Promise<SerializedBatch> {
    const chunk = await this.#run(async () => {
      this.#statement ??= await this.#connection.prepare(this.#select(this.#session.rows, "$1", "$2"));
      this.#statement.bindBigInt(1, BigInt(from));
      this.#statement.bindBigInt(2, BigInt(to));
      const result = await this.#statement.run();
      return result.fetchChunk();
    });
    const found = chunk === null || chunk.rowCount === 0 ? undefined : chunk;
    if (found === undefined) throw changed();
    if (isAscending(found, rows)) return this.#serialize(found, rows, skip);
    const sorted = await this.#readSorted(from, to);
    if (!isAscending(sorted, rows)) throw new Error("DuckDB gave sorted rows in another order.");
    return this.#serialize(sorted, rows, skip);
  }

  /** DuckDB reads what is in several groups of rows by several threads, each of which adds its rows when it is done. */
  async #readSorted(from: number, to: number): Promise<DuckDBDataChunk> {
    const rows = `(SELECT * FROM ${this.#session.rows} WHERE ${row} >= ${from} AND ${row} < ${to} ORDER BY ${row})`;
    const result = await this.#run(() => this.#connection.run(this.#select(rows, `${from}`, `${to}`)));
    const chunk = await result.fetchChunk();
    if (chunk === null) throw changed();
    return chunk;
  }

  #select(rows: string, from: string, to: string): string {
    const values = [`list(${row})`, ...this.#columns.expressions].join(", ");
    return `SELECT ${values} FROM ${rows} WHERE ${row} >= ${from} AND ${row} < ${to}`;
  }

  #serialize(chunk: DuckDBDataChunk, rows: number, skip: number): SerializedBatch {
    const bytes = serializeBatch(this.#session.arrow, rows, this.#columns.read(chunk, rows), skip);
    return { rowCount: rows - skip, bytes, result: chunk };
  }

  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await this.#schedule(work);
    } catch (error) {
      const { restriction, table } = this.#session;
      throw restriction === "" ? error : explainRestriction(table.ref, restriction, error);
    }
  }
}

function join(a: Range, b: Range): Range {
  return { from: a.from, to: b.to, rows: a.rows + b.rows, bytes: a.bytes + b.bytes };
}

function isAscending(chunk: DuckDBDataChunk, rows: number): boolean {
  const { values } = listAt(chunk, 0, rows, ROW_BYTES);
  const numbers = new BigInt64Array(values.buffer, values.byteOffset, rows);
  for (let index = 1; index < rows; index++) {
    if ((numbers[index - 1] as bigint) > (numbers[index] as bigint)) return false;
  }
  return true;
}

function changed(): StatusError {
  const message = "Rows of the table have been changed or deleted since the session began: create another session.";
  return new StatusError(status.ABORTED, message);
}
