import type { BatchColumn, RowBatch, RowRead, RowReader } from "../row-reader.ts";
import type { TableName } from "@indelible/schemas/tables.ts";

/**
 * A reader of tables of which some columns have been dropped, or made anew with another type: nobody can read those, and their values are
 * NULL, so that each row that should have one is found.
 */
export function readerWithout(reader: RowReader, unusable: ReadonlyMap<TableName, ReadonlySet<string>>): RowReader {
  return {
    async read(request) {
      const names = unusable.get(request.table);
      if (names === undefined || names.size === 0) return reader.read(request);
      const columns = request.columns.filter((name) => !names.has(name));
      const read = await reader.read({ ...request, columns });
      return read === undefined ? undefined : { session: read.session, batches: batchesWithout(read, names) };
    },
    close: () => reader.close(),
  };
}

const nothing: BatchColumn = { bytes: () => undefined, int64: () => undefined, value: () => null };

async function* batchesWithout(read: RowRead, names: ReadonlySet<string>): AsyncGenerator<RowBatch> {
  for await (const batch of read.batches) {
    yield { length: batch.length, column: (name) => (names.has(name) ? nothing : batch.column(name)) };
  }
}
