/**
 * The column vocabulary: every table is declared in these words and no others, and everything else (types, validator,
 * JSON Schema, BigQuery schema, protobuf descriptor, canonicalizer, views, reference) is derived from them.
 */

interface Common {
  readonly description: string;
  /** A required column must be present and not null in every event. Default: optional, and null means absent. */
  readonly required?: true;
}

export interface StringColumn extends Common {
  readonly type: "string";
  /** A closed set of values. */
  readonly enum?: readonly string[];
  /** Unicode code points. Default: {@link DEFAULT_MAX_LENGTH}. */
  readonly maxLength?: number;
  readonly format?: "uuid";
  /** The publisher cuts a longer text to `maxLength` code points; everybody else's longer text is invalid. */
  readonly preview?: true;
}

/** RFC 3339 text with an offset; microseconds in BigQuery (see timestamp.ts for the range). */
export interface TimestampColumn extends Common {
  readonly type: "timestamp";
}

/** A whole number; JSON carries it exactly up to 2^53 - 1, so that is the range. */
export interface Int64Column extends Common {
  readonly type: "int64";
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Float64Column extends Common {
  readonly type: "float64";
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface BoolColumn extends Common {
  readonly type: "bool";
}

/** Any JSON value, nested at most as deep as canonical.ts allows. */
export interface JsonColumn extends Common {
  readonly type: "json";
}

export interface ArrayColumn extends Common {
  readonly type: "array";
  readonly items: StringColumn | StructColumn;
}

export interface StructColumn extends Common {
  readonly type: "struct";
  readonly fields: Columns;
}

export type Column =
  | StringColumn
  | TimestampColumn
  | Int64Column
  | Float64Column
  | BoolColumn
  | JsonColumn
  | ArrayColumn
  | StructColumn;

export type Columns = { readonly [name: string]: Column };

/** Longest text, in code points, of a string column that declares no `maxLength` of its own: one mebi. */
export const DEFAULT_MAX_LENGTH = 1_048_576;

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** What a caller may put into a column. Dates are written as RFC 3339 in UTC. */
export type ValueOf<C extends Column> = C extends { readonly type: "string"; readonly enum: readonly (infer E)[] }
  ? E
  : C extends StringColumn
    ? string
    : C extends TimestampColumn
      ? string | Date
      : C extends Int64Column | Float64Column
        ? number
        : C extends BoolColumn
          ? boolean
          : C extends JsonColumn
            ? JsonValue
            : C extends { readonly type: "array"; readonly items: infer I extends Column }
              ? readonly ValueOf<I>[]
              : C extends { readonly type: "struct"; readonly fields: infer F extends Columns }
                ? FieldsOf<F>
                : never;

type RequiredNames<C extends Columns> = {
  [K in keyof C]: C[K] extends { readonly required: true } ? K : never;
}[keyof C];

type Flat<T> = { [K in keyof T]: T[K] };

/** The object whose keys are the columns of `C`: required ones must be there, others may be null or left out. */
export type FieldsOf<C extends Columns> = Flat<
  { -readonly [K in RequiredNames<C>]: ValueOf<C[K]> } & {
    -readonly [K in Exclude<keyof C, RequiredNames<C>>]?: ValueOf<C[K]> | null | undefined;
  }
>;
