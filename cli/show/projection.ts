import { projectionOf } from "@indelible/ledger/projection.ts";
import type { BatchColumn, CellValue } from "@indelible/ledger/row-reader.ts";
import { rowColumns, tables, type TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { PlainRow } from "../warehouse.ts";

/**
 * The first column of a row that does not say what its entry says, by the verifier's own comparison; undefined: all do. A member of the entry that is
 * no column is one too.
 */
export function differingColumn(name: TableName, row: PlainRow): string | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(String(row["entry"]));
  } catch {
    return "entry";
  }
  const columns = rowColumns(tables[name]);
  const column = (of: string): BatchColumn => cellOf(columns[of]?.type ?? "string", row[of]);
  return projectionOf(name)({ length: 1, column })(entry, 0);
}

/** A value of a query's result as the cell of a row that was read. */
function cellOf(type: string, value: unknown): BatchColumn {
  const isAbsent = value === null || value === undefined;
  const text = isAbsent ? undefined : type === "json" ? JSON.stringify(value) : String(value);
  return {
    bytes: () => (text === undefined ? undefined : Buffer.from(text)),
    int64: () => {
      if (isAbsent) return undefined;
      if (type !== "timestamp") return BigInt(String(value));
      const micros = parseTimestamp(String(value));
      return micros === undefined ? undefined : BigInt(micros);
    },
    // Numbers, booleans, and arrays of texts and of structs of those: the same in both.
    value: () => value as CellValue,
  };
}
