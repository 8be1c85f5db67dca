import { WarehouseError } from "./errors.ts";

export type FieldType =
  | "STRING"
  | "BYTES"
  | "INTEGER"
  | "FLOAT"
  | "BOOLEAN"
  | "TIMESTAMP"
  | "DATE"
  | "DATETIME"
  | "NUMERIC"
  | "JSON"
  | "RECORD";
export type FieldMode = "NULLABLE" | "REQUIRED" | "REPEATED";

/** One column as REST v2 writes it, with the legacy type names that BigQuery itself answers with. */
export type TableField = {
  readonly name: string;
  readonly type: FieldType;
  readonly mode: FieldMode;
  readonly description?: string;
  readonly fields?: readonly TableField[];
};
export type TableSchema = { readonly fields: readonly TableField[] };

const typeNames: Readonly<Record<string, FieldType>> = {
  STRING: "STRING",
  BYTES: "BYTES",
  INTEGER: "INTEGER",
  INT64: "INTEGER",
  FLOAT: "FLOAT",
  FLOAT64: "FLOAT",
  BOOLEAN: "BOOLEAN",
  BOOL: "BOOLEAN",
  TIMESTAMP: "TIMESTAMP",
  DATE: "DATE",
  DATETIME: "DATETIME",
  NUMERIC: "NUMERIC",
  JSON: "JSON",
  RECORD: "RECORD",
  STRUCT: "RECORD",
};

const duckdbTypes: Readonly<Record<Exclude<FieldType, "RECORD">, string>> = {
  STRING: "VARCHAR",
  BYTES: "BLOB",
  INTEGER: "BIGINT",
  FLOAT: "DOUBLE",
  BOOLEAN: "BOOLEAN",
  TIMESTAMP: "TIMESTAMPTZ",
  DATE: "DATE",
  DATETIME: "TIMESTAMP",
  NUMERIC: "DECIMAL(38,9)",
  JSON: "JSON",
};

const MAX_DEPTH = 15;
const MAX_COLUMNS = 10_000;

/** What BigQuery accepts here and this warehouse would have to ignore: refused, because ignoring it changes answers. */
const unsupportedFieldSettings = [
  "policyTags",
  "defaultValueExpression",
  "collation",
  "rangeElementType",
  "roundingMode",
];

/**
 * Reads a schema from a request.
 * @throws {WarehouseError} invalid: not a schema, a type that the warehouse lacks, a name twice, more than 10,000
 *   columns or 15 levels.
 */
export function parseTableSchema(value: unknown): TableSchema {
  if (!isRecord(value) || !Array.isArray(value["fields"])) throw invalid("A schema is {fields: [...]}.");
  return { fields: parseFields(value["fields"], "", 1) };
}

function parseFields(values: readonly unknown[], path: string, depth: number): TableField[] {
  if (depth > MAX_DEPTH) throw invalid(`The schema nests deeper than ${MAX_DEPTH} levels at ${path}.`);
  if (values.length === 0) throw invalid(path === "" ? "The schema has no fields." : `Field ${path} has no fields.`);
  if (values.length > MAX_COLUMNS) throw invalid(`The schema has more than ${MAX_COLUMNS} fields.`);
  const names = new Set<string>();
  return values.map((value) => {
    const field = parseField(value, path, depth);
    const key = field.name.toLowerCase();
    if (names.has(key)) throw invalid(`Field ${path}${field.name} already exists in schema.`);
    names.add(key);
    return field;
  });
}

function parseField(value: unknown, path: string, depth: number): TableField {
  if (!isRecord(value)) throw invalid("A field is an object.");
  const { name, type, mode = "NULLABLE", description, fields } = value;
  if (typeof name !== "string" || !/^[\p{L}_][\p{L}\p{M}\p{N}_ -]{0,299}$/u.test(name)) {
    throw invalid(`Invalid field name ${JSON.stringify(name)}: letters, digits and underscores, at most 300.`);
  }
  const fullName = `${path}${name}`;
  const fieldType = typeof type === "string" ? typeNames[type.toUpperCase()] : undefined;
  if (fieldType === undefined) {
    throw invalid(`Field ${fullName} has the type ${JSON.stringify(type)}; this warehouse has ${supported()}.`);
  }
  const fieldMode = typeof mode === "string" ? mode.toUpperCase() : mode;
  if (fieldMode !== "NULLABLE" && fieldMode !== "REQUIRED" && fieldMode !== "REPEATED") {
    throw invalid(`Field ${fullName} has the mode ${JSON.stringify(mode)}: use NULLABLE, REQUIRED or REPEATED.`);
  }
  for (const setting of unsupportedFieldSettings) {
    if (value[setting] !== undefined) throw invalid(`Field ${fullName}: this warehouse does not support ${setting}.`);
  }
  if (fieldType !== "RECORD" && fields !== undefined)
    throw invalid(`Field ${fullName} is not a RECORD and has fields.`);
  return {
    name,
    type: fieldType,
    mode: fieldMode,
    ...(typeof description === "string" ? { description } : {}),
    ...(fieldType === "RECORD"
      ? { fields: parseFields(Array.isArray(fields) ? fields : [], `${fullName}.`, depth + 1) }
      : {}),
  };
}

function supported(): string {
  return [...new Set(Object.values(typeNames))].join(", ");
}

/** The DuckDB type of a column. REQUIRED is checked when rows arrive, not by DuckDB. */
export function duckdbType(field: TableField): string {
  const element =
    field.type === "RECORD"
      ? `STRUCT(${(field.fields ?? []).map((child) => `${quoteName(child.name)} ${duckdbType(child)}`).join(", ")})`
      : duckdbTypes[field.type];
  return field.mode === "REPEATED" ? `${element}[]` : element;
}

/** A DuckDB identifier that stands for exactly this name. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A column that a table gets, or a field of a struct, and the structs that it stands in, the outermost first. */
export type AddedField = { readonly within: readonly TableField[]; readonly field: TableField };

/**
 * What `tables.patch` adds to a table: columns at the end, NULLABLE or REPEATED, and NULLABLE fields at the end of its structs. Descriptions may
 * change, and REQUIRED may become NULLABLE.
 * @throws {WarehouseError} invalid: any other difference, because rows that are stored would have to change.
 */
export function addedFields(before: TableSchema, after: TableSchema): readonly AddedField[] {
  return additions(before.fields, after.fields, []);
}

function additions(
  before: readonly TableField[],
  after: readonly TableField[],
  within: readonly TableField[],
): readonly AddedField[] {
  const path = within.map(({ name }) => `${name}.`).join("");
  const inner = before.flatMap((field, index) => {
    const kept = after[index];
    if (kept === undefined || !takesRowsOf(field, kept)) {
      throw invalid(
        `Provided Schema does not match: field ${path}${field.name} cannot be changed, moved or removed here.`,
      );
    }
    return additions(field.fields ?? [], kept.fields ?? [], [...within, kept]);
  });
  const added = after.slice(before.length);
  // BigQuery refuses a required field below a struct that is there, by name. How deep it looks is not written, so none is added at any depth.
  const required = added.find((field) => (within.length > 0 ? holdsRequired(field) : field.mode === "REQUIRED"));
  if (required !== undefined) throw invalid(`Cannot add required field ${path}${required.name} to an existing table.`);
  // In the structs that are there it would be NULL, and no list ever is.
  const list = within.length > 0 ? added.find(holdsList) : undefined;
  if (list !== undefined) throw invalid(`This warehouse adds no REPEATED field to a struct: ${path}${list.name}.`);
  return [...inner, ...added.map((field) => ({ within, field }))];
}

function takesRowsOf(before: TableField, after: TableField): boolean {
  const isRelaxed = before.mode === "REQUIRED" && after.mode === "NULLABLE";
  return after.name === before.name && after.type === before.type && (after.mode === before.mode || isRelaxed);
}

function holdsList(field: TableField): boolean {
  return field.mode === "REPEATED" || (field.fields ?? []).some(holdsList);
}

function holdsRequired(field: TableField): boolean {
  return field.mode === "REQUIRED" || (field.fields ?? []).some(holdsRequired);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): WarehouseError {
  return new WarehouseError("invalid", message);
}
