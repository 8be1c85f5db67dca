import type { BatchColumn, RowBatch, RowRead, RowReader } from "../row-reader.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

/** By table: the columns that nobody can read; undefined where there is no such table. */
export type UnusableColumns = ReadonlyMap<TableName, ReadonlySet<string> | undefined>;

/**
 * A reader of tables of which some are gone, and of which some columns have been dropped, or made anew with another type: nobody can read
 * those, and their values are NULL, so that each row that should have one is found. Without `ingested_at` no row is of any time.
 */
export function readerWithout(reader: RowReader, unusable: UnusableColumns): RowReader {
  return {
    async read(request) {
      const { table, from, until } = request;
      const names = unusable.get(table);
      if (names === undefined) return unusable.has(table) ? undefined : reader.read(request);
      if (names.size === 0) return reader.read(request);
      if (names.has("ingested_at") && (from !== undefined || until !== undefined)) return noRows;
      const columns = request.columns.filter((name) => !names.has(name));
      const read = await reader.read({ ...request, columns });
      return read === undefined ? undefined : { session: read.session, batches: batchesWithout(read, names) };
    },
    close: () => reader.close(),
  };
}

const noRows: RowRead = { session: "", batches: { [Symbol.asyncIterator]: none } };

async function* none(): AsyncGenerator<never> {}

const nothing: BatchColumn = { bytes: () => undefined, int64: () => undefined, value: () => null };

async function* batchesWithout(read: RowRead, names: ReadonlySet<string>): AsyncGenerator<RowBatch> {
  for await (const batch of read.batches) {
    yield { length: batch.length, column: (name) => (names.has(name) ? nothing : batch.column(name)) };
  }
}
