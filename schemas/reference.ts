import { DEFAULT_MAX_LENGTH, type Column, type Columns } from "./columns.ts";
import { errorKinds } from "./errors.ts";
import { recordedColumns, stampedColumns } from "./system-columns.ts";
import { tableNames, tables, type Table } from "./tables.ts";

const notice = "<!-- Written by `npm run build` from schemas/. Do not edit. -->";

/** docs/tables.md: every table and column. */
export function tablesReference(): string {
  return `${notice}

# Tables

Every table has its own columns and the system columns at the end of this page. A field that is not listed here is refused
(\`ERR_UNKNOWN_FIELD\`). Optional columns may be null or left out. Timestamps are RFC 3339 with an offset, stored in
microseconds. JSON Schema files for other languages are in \`schemas/json/\`.

${tableNames.map((name) => tableSection(tables[name])).join("\n")}
## System columns

Part of the event, set by the publisher (all optional for other publishers):

${columnTable(stampedColumns)}
Recorded on the way, never taken from the event:

${columnTable(recordedColumns)}`;
}

/** docs/errors.md: every code. */
export function errorsReference(): string {
  const rows = Object.entries(errorKinds).map(
    ([code, kind]) => `| \`${code}\` | ${kind.retryable ? "yes" : "no"} | ${kind.meaning} | ${kind.hint} |`,
  );
  return `${notice}

# Errors

Every error of ours has one of these codes. What is not retryable becomes a dead letter with the code as its reason;
what is retryable is left to Pub/Sub, which delivers again.

| code | retryable | meaning | what to do |
|---|---|---|---|
${rows.join("\n")}
`;
}

function tableSection(table: Table): string {
  return `## ${table.name}

${table.description} Kept for ${table.retentionYears} ${table.retentionYears === 1 ? "year" : "years"}. Version ${table.version}.
${table.kind === "system" ? "Written by Indelible itself.\n" : ""}
${columnTable(table.columns)}`;
}

function columnTable(columns: Columns): string {
  const rows = rowsOf(columns, "").map(
    ([name, column]) =>
      `| \`${name}\` | ${typeName(column)} | ${column.required === true ? "yes" : ""} | ${limits(column)} | ${column.description} |`,
  );
  return `| column | type | required | limits | meaning |\n|---|---|---|---|---|\n${rows.join("\n")}\n`;
}

function rowsOf(columns: Columns, prefix: string): [string, Column][] {
  return Object.entries(columns).flatMap(([name, column]): [string, Column][] => {
    const own: [string, Column] = [`${prefix}${name}`, column];
    const item = column.type === "array" ? column.items : column;
    if (item.type !== "struct") return [own];
    return [own, ...rowsOf(item.fields, `${prefix}${name}${column.type === "array" ? "[]" : ""}.`)];
  });
}

function typeName(column: Column): string {
  return column.type === "array" ? `array of ${column.items.type}` : column.type;
}

function limits(column: Column): string {
  switch (column.type) {
    case "string":
      if (column.enum !== undefined) return column.enum.map((value) => `\`${value}\``).join(", ");
      if (column.format === "uuid") return "lower-case UUID";
      return column.maxLength === undefined || column.maxLength >= DEFAULT_MAX_LENGTH
        ? ""
        : `${column.maxLength} characters`;
    case "int64":
    case "float64":
      if (column.minimum === undefined) return "";
      return column.maximum === undefined ? `≥ ${column.minimum}` : `${column.minimum} to ${column.maximum}`;
    default:
      return "";
  }
}
