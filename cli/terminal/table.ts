import { cellWidth, pad, printable, truncate } from "./cell.ts";

export interface TableColumn {
  readonly title: string;
  /** Default: left. */
  readonly align?: "left" | "right";
}

const gap = 2;
/** Narrower than this a cut column says nothing, and the rows are shown one field a line instead. */
const minColumnWidth = 8;

/**
 * Rows under their titles, aligned, each line at most `maxWidth` columns wide: the widest columns are cut first. Rows
 * of so many columns that they do not fit are written one after the other, a line for each field.
 *
 * @param maxWidth default: unlimited
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  maxWidth: number = Infinity,
): string {
  const cells = rows.map((row) => row.map(printable));
  const titles = columns.map(({ title }) => printable(title));
  const natural = titles.map((title, index) =>
    cells.reduce((width, row) => Math.max(width, cellWidth(row[index] ?? "")), cellWidth(title)),
  );
  const widths = fit(natural, maxWidth - gap * (columns.length - 1));
  if (widths === undefined) return records(titles, cells, maxWidth);
  const line = (row: readonly string[]): string =>
    widths
      .map((width, index) => pad(truncate(row[index] ?? "", width), width, columns[index]?.align ?? "left"))
      .join(" ".repeat(gap))
      .trimEnd();
  return [titles, widths.map((width) => "─".repeat(width)), ...cells].map((row) => `${line(row)}\n`).join("");
}

/**
 * Widths of at most `available` in all, the widest columns cut to one common width; undefined when that is too narrow.
 */
function fit(natural: readonly number[], available: number): number[] | undefined {
  let remaining = available;
  let cap = Infinity;
  const ascending = [...natural].sort((a, b) => a - b);
  for (const [index, width] of ascending.entries()) {
    const share = Math.floor(remaining / (ascending.length - index));
    if (width > share) {
      cap = share;
      break;
    }
    remaining -= width;
  }
  if (cap < minColumnWidth) return undefined;
  return natural.map((width) => Math.min(width, cap));
}

function records(titles: readonly string[], cells: readonly (readonly string[])[], maxWidth: number): string {
  const titleWidth = Math.max(...titles.map(cellWidth));
  const valueWidth = Math.max(minColumnWidth, maxWidth - titleWidth - gap);
  return cells
    .map((row, number) => {
      const fields = titles.map((title, index) =>
        `${pad(title, titleWidth + gap, "left")}${truncate(row[index] ?? "", valueWidth)}`.trimEnd(),
      );
      return `── row ${number + 1}\n${fields.join("\n")}\n`;
    })
    .join("");
}

/** A whole number with thousands separators. */
export function thousands(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 row`, `2 rows`. */
export function counted(count: number, noun: string): string {
  return `${thousands(count)} ${noun}${count === 1 ? "" : "s"}`;
}
