import type { Column, Columns } from "@indelible/schemas/columns.ts";
import { eventColumns, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";

/** A valid value for a column, arbitrary within what it declares. */
function valueOf(column: Column): fc.Arbitrary<unknown> {
  switch (column.type) {
    case "string":
      if (column.enum !== undefined) return fc.constantFrom(...column.enum);
      if (column.format === "uuid") return fc.uuid();
      return fc.string({ unit: "grapheme", minLength: 1, maxLength: Math.min(column.maxLength ?? 60, 60) });
    case "timestamp":
      return fc
        .date({ min: new Date("1700-01-02T00:00:00Z"), max: new Date("2199-12-30T00:00:00Z"), noInvalidDate: true })
        .map((date) => date.toISOString());
    case "int64":
      return fc.integer({
        min: column.minimum ?? Number.MIN_SAFE_INTEGER,
        max: column.maximum ?? Number.MAX_SAFE_INTEGER,
      });
    case "float64":
      return fc
        .double({ min: column.minimum ?? -1e300, max: column.maximum ?? 1e300, noNaN: true })
        .map((value) => (Object.is(value, -0) ? 0 : value));
    case "bool":
      return fc.boolean();
    case "json":
      return fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value).replaceAll("-0", "0")) as unknown);
    case "array":
      return fc.array(valueOf(column.items), { maxLength: 4 });
    case "struct":
      return recordOf(column.fields);
  }
}

function recordOf(columns: Columns): fc.Arbitrary<Event> {
  const names = Object.keys(columns);
  return fc.record(
    Object.fromEntries(
      names.map((name) => {
        const column = columns[name] as Column;
        return [name, column.required === true ? valueOf(column) : fc.option(valueOf(column))];
      }),
    ),
    { requiredKeys: names.filter((name) => columns[name]?.required === true) },
  );
}

/** Arbitrary valid events of a table. */
export function eventsOf(name: TableName): fc.Arbitrary<Event> {
  return recordOf(eventColumns(tables[name]));
}
