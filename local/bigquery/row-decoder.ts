import { cellReader, wireType } from "./cell-readers.ts";
import { WireFault, WireReader } from "./wire-reader.ts";
import type { Cell, CellReader } from "./cell-readers.ts";
import type { MessageField, MessageType } from "./message-type.ts";
import type { TableField, TableSchema } from "./table-schema.ts";

export type RowFailure = { readonly index: number; readonly message: string };
/** Rows by column, in the order of the table's columns. With failures, `columns` must not be used. */
export type DecodedRows = {
  readonly rowCount: number;
  readonly columns: readonly (readonly Cell[])[];
  readonly failures: readonly RowFailure[];
};

/** The writer schema does not fit the table. `extraFields`: it has fields that the table lacks. */
export class SchemaMismatch extends Error {
  override readonly name = "SchemaMismatch";
  readonly extraFields: boolean;

  constructor(message: string, extraFields: boolean) {
    super(message);
    this.extraFields = extraFields;
  }
}

/** A fault whose message already names its field. */
class FieldFault extends WireFault {}

type FieldPlan = {
  readonly name: string;
  readonly column: number;
  readonly wire: number;
  readonly repeated: boolean;
  readonly read: CellReader;
};
type MessagePlan = {
  readonly width: number;
  readonly fields: ReadonlyMap<number, FieldPlan>;
  readonly required: readonly { readonly column: number; readonly name: string }[];
  readonly repeated: readonly number[];
};

const emptyList: readonly Cell[] = [];
const PROTO_ROWS_TAG = (1 << 3) + 2;

/**
 * Decodes rows of one message type for one table, column by column. Compiled once for a connection and schema.
 * Fields are matched to columns by name, whatever the case. A missing field is NULL, or the empty list.
 */
export class RowDecoder {
  readonly #plan: MessagePlan;

  /** @throws {SchemaMismatch} */
  constructor(message: MessageType, schema: TableSchema) {
    this.#plan = planMessage(message, schema.fields, "");
  }

  /**
   * Decodes a serialized `ProtoRows`. Cells share its memory.
   * @throws {WireFault} when it is no `ProtoRows` at all; a bad row is a failure in the result.
   */
  decode(protoRows: Uint8Array): DecodedRows {
    const plan = this.#plan;
    const reader = new WireReader(protoRows);
    const columns = Array.from({ length: plan.width }, (): Cell[] => []);
    const failures: RowFailure[] = [];
    let rowCount = 0;
    while (reader.position < protoRows.byteLength) {
      if (reader.uint32() !== PROTO_ROWS_TAG) throw new WireFault("The rows are not a ProtoRows message.");
      const end = reader.end();
      try {
        const row = readMessage(plan, reader, end);
        for (let column = 0; column < row.length; column++) columns[column]?.push(row[column] ?? null);
      } catch (error) {
        if (!(error instanceof WireFault)) throw error;
        failures.push({ index: rowCount, message: error.message });
      }
      reader.position = end;
      rowCount++;
    }
    return { rowCount, columns, failures };
  }
}

function readMessage(plan: MessagePlan, reader: WireReader, end: number): Cell[] {
  const row = Array.from<Cell>({ length: plan.width }).fill(null);
  while (reader.position < end) {
    const tag = reader.uint32();
    const field = plan.fields.get(tag >>> 3);
    if (field === undefined) throw new FieldFault(`Field number ${tag >>> 3} is not in the writer schema.`);
    try {
      readField(field, tag & 7, reader, row);
    } catch (error) {
      if (!(error instanceof WireFault) || error instanceof FieldFault) throw error;
      throw new FieldFault(`Field ${field.name} ${error.message}`, { cause: error });
    }
  }
  if (reader.position !== end) throw new WireFault("The row ends within a field.");
  for (const column of plan.repeated) row[column] ??= emptyList;
  for (const { column, name } of plan.required) {
    if (row[column] === null) throw new FieldFault(`Field ${name} is required and missing.`);
  }
  return row;
}

function readField(field: FieldPlan, wire: number, reader: WireReader, row: Cell[]): void {
  if (wire === field.wire) {
    const cell = field.read(reader);
    if (field.repeated) listAt(row, field.column).push(cell);
    else row[field.column] = cell;
  } else if (wire === 2 && field.repeated) {
    const list = listAt(row, field.column);
    const end = reader.end();
    while (reader.position < end) list.push(field.read(reader));
  } else throw new WireFault(`has wire type ${wire} and not ${field.wire}`);
}

function listAt(row: Cell[], column: number): Cell[] {
  const list = row[column];
  if (Array.isArray(list)) return list as Cell[];
  const created: Cell[] = [];
  row[column] = created;
  return created;
}

function planMessage(message: MessageType, columns: readonly TableField[], path: string): MessagePlan {
  const byName = new Map(columns.map((field, column) => [field.name.toLowerCase(), { field, column }]));
  const fields = new Map<number, FieldPlan>();
  for (const field of message.fields) {
    const target = byName.get(field.name.toLowerCase());
    if (target === undefined) {
      throw new SchemaMismatch(
        `The source object has fields unknown to BigQuery: ${path}${field.name}. Input schema has more fields than BigQuery schema.`,
        true,
      );
    }
    fields.set(field.number, planField(field, target.field, target.column, path));
  }
  return {
    width: columns.length,
    fields,
    required: columns.flatMap(({ mode, name }, column) => (mode === "REQUIRED" ? [{ column, name: path + name }] : [])),
    repeated: columns.flatMap(({ mode }, column) => (mode === "REPEATED" ? [column] : [])),
  };
}

function planField(field: MessageField, column: TableField, index: number, path: string): FieldPlan {
  const name = `${path}${column.name}`;
  if (field.repeated !== (column.mode === "REPEATED")) {
    const modes = `the column is ${column.mode} and the proto field is ${field.repeated ? "repeated" : "not repeated"}`;
    throw new SchemaMismatch(`Field ${name}: ${modes}.`, false);
  }
  const read = column.type === "RECORD" ? recordReader(field, column, `${name}.`) : cellReader(column.type, field);
  if (read === undefined) {
    throw new SchemaMismatch(
      `Field ${name}: the proto type ${field.type} does not fit a column of type ${column.type}.`,
      false,
    );
  }
  return { name, column: index, wire: wireType(field.type), repeated: field.repeated, read };
}

function recordReader(field: MessageField, column: TableField, path: string): CellReader | undefined {
  if (field.message === undefined) return undefined;
  const plan = planMessage(field.message, column.fields ?? [], path);
  return (reader) => {
    const end = reader.end();
    return readMessage(plan, reader, end);
  };
}
