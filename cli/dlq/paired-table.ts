import { cellWidth, printable, truncate } from "../terminal/cell.ts";
import { renderTable, type TableColumn } from "../terminal/table.ts";

/** Under what stands in the first column of all, a handle. */
const indent = " ".repeat(12);

/**
 * A table with a second line under each row, for what would be cut to nothing in a column of its own.
 *
 * @returns undefined when the rows are wider than `width`
 */
export function pairedTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  seconds: readonly string[],
  width: number,
): string | undefined {
  const table = renderTable(columns, rows);
  if (tableWidth(table) > width) return undefined;
  const [titles, rule, ...lines] = table.trimEnd().split("\n");
  const pairs = lines.map(
    (line, index) => `${line}\n${indent}${truncate(printable(seconds[index] ?? ""), width - indent.length)}\n`,
  );
  return `${titles}\n${rule}\n${pairs.join("")}`;
}

/** Columns of a terminal that a table takes. */
export function tableWidth(table: string): number {
  return Math.max(...table.split("\n").map(cellWidth));
}
