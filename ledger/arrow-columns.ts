import { DataType, Precision, TimeUnit } from "apache-arrow";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Field, List } from "apache-arrow";
import type { BatchColumn, CellValue } from "./row-reader.ts";

/** What a batch consists of, in the order of Arrow's columnar format (arrow.apache.org/docs/format/Columnar.html). */
export interface ColumnParts {
  /** Whether the next column has a NULL. */
  hasNulls(): boolean;
  /** The next buffer. */
  next(): Uint8Array;
}

/**
 * Takes a column from the parts of a batch.
 * @throws ERR_READ when it has a type that no table of ours has
 */
export function columnOf(name: string, type: DataType, parts: ColumnParts): BatchColumn {
  const hasNulls = parts.hasNulls();
  const bitmap = parts.next();
  const validity = hasNulls ? bitmap : undefined;
  if (DataType.isUtf8(type)) return new TextColumn(name, validity, integers(parts.next()), parts.next());
  if (isInteger(type)) return new IntegerColumn(name, validity, aligned(BigInt64Array, parts.next()));
  if (isDouble(type)) return new NumberColumn(name, validity, aligned(Float64Array, parts.next()));
  if (DataType.isBool(type)) return new BoolColumn(name, validity, parts.next());
  if (DataType.isList(type)) {
    const offsets = integers(parts.next());
    return new ListColumn(name, validity, offsets, columnOf(name, elementType(type), parts));
  }
  if (DataType.isStruct(type)) {
    const fields = type.children.map((field): [string, BatchColumn] => [
      field.name,
      columnOf(`${name}.${field.name}`, field.type, parts),
    ]);
    return new StructColumn(name, validity, fields);
  }
  throw new IndelibleError("ERR_READ", `the column ${name} has the type ${String(type)}, which no table of ours has`);
}

/** INT64, or TIMESTAMP in microseconds. */
function isInteger(type: DataType): boolean {
  if (DataType.isTimestamp(type)) return type.unit === TimeUnit.MICROSECOND;
  return DataType.isInt(type) && type.bitWidth === 64;
}

function isDouble(type: DataType): boolean {
  return DataType.isFloat(type) && type.precision === Precision.DOUBLE;
}

function elementType(list: List): DataType {
  return (list.children[0] as Field).type;
}

/** The bytes as numbers: themselves when they begin at a multiple of the size of one, and else a copy. */
function aligned<Numbers>(
  Type: { new (buffer: ArrayBufferLike, offset: number, length: number): Numbers; readonly BYTES_PER_ELEMENT: number },
  bytes: Uint8Array,
): Numbers {
  const size = Type.BYTES_PER_ELEMENT;
  const { buffer, byteOffset } = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Type(buffer, byteOffset, Math.floor(bytes.byteLength / size));
}

function integers(bytes: Uint8Array): Int32Array {
  return aligned(Int32Array, bytes);
}

function isSet(bits: Uint8Array, index: number): boolean {
  return ((bits[index >>> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

abstract class Column implements BatchColumn {
  readonly #name: string;
  /** Undefined when there is no NULL. */
  readonly #validity: Uint8Array | undefined;

  constructor(name: string, validity: Uint8Array | undefined) {
    this.#name = name;
    this.#validity = validity;
  }

  bytes(_row: number): Uint8Array | undefined {
    throw new IndelibleError("ERR_READ", `the column ${this.#name} is no text`);
  }

  int64(_row: number): bigint | undefined {
    throw new IndelibleError("ERR_READ", `the column ${this.#name} is no whole number`);
  }

  value(row: number): CellValue {
    return this.isNull(row) ? null : this.present(row);
  }

  protected isNull(row: number): boolean {
    return this.#validity !== undefined && !isSet(this.#validity, row);
  }

  /** The value where it is not NULL. */
  protected abstract present(row: number): CellValue;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

class TextColumn extends Column {
  readonly #offsets: Int32Array;
  readonly #texts: Uint8Array;

  constructor(name: string, validity: Uint8Array | undefined, offsets: Int32Array, texts: Uint8Array) {
    super(name, validity);
    this.#offsets = offsets;
    // Not as a Buffer, whose views cost more.
    this.#texts = new Uint8Array(texts.buffer, texts.byteOffset, texts.byteLength);
  }

  override bytes(row: number): Uint8Array | undefined {
    return this.isNull(row) ? undefined : this.#texts.subarray(this.#offsets[row], this.#offsets[row + 1]);
  }

  protected present(row: number): string {
    return utf8.decode(this.bytes(row));
  }
}

class IntegerColumn extends Column {
  readonly #values: BigInt64Array;

  constructor(name: string, validity: Uint8Array | undefined, values: BigInt64Array) {
    super(name, validity);
    this.#values = values;
  }

  override int64(row: number): bigint | undefined {
    return this.isNull(row) ? undefined : this.#values[row];
  }

  protected present(row: number): bigint | null {
    return this.#values[row] ?? null;
  }
}

class NumberColumn extends Column {
  readonly #values: Float64Array;

  constructor(name: string, validity: Uint8Array | undefined, values: Float64Array) {
    super(name, validity);
    this.#values = values;
  }

  protected present(row: number): number | null {
    return this.#values[row] ?? null;
  }
}

class BoolColumn extends Column {
  readonly #bits: Uint8Array;

  constructor(name: string, validity: Uint8Array | undefined, bits: Uint8Array) {
    super(name, validity);
    this.#bits = bits;
  }

  protected present(row: number): boolean {
    return isSet(this.#bits, row);
  }
}

class ListColumn extends Column {
  readonly #offsets: Int32Array;
  readonly #elements: BatchColumn;

  constructor(name: string, validity: Uint8Array | undefined, offsets: Int32Array, elements: BatchColumn) {
    super(name, validity);
    this.#offsets = offsets;
    this.#elements = elements;
  }

  protected present(row: number): CellValue[] {
    const from = this.#offsets[row] ?? 0;
    const length = (this.#offsets[row + 1] ?? from) - from;
    return Array.from({ length }, (_, index) => this.#elements.value(from + index));
  }
}

class StructColumn extends Column {
  readonly #fields: readonly (readonly [string, BatchColumn])[];

  constructor(name: string, validity: Uint8Array | undefined, fields: readonly (readonly [string, BatchColumn])[]) {
    super(name, validity);
    this.#fields = fields;
  }

  protected present(row: number): CellValue {
    return Object.fromEntries(this.#fields.map(([name, column]) => [name, column.value(row)]));
  }
}
