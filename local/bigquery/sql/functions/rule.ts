import type { Call, Expression, ScalarTypeName, SqlType } from "../ast.ts";
import { StatementFault } from "../errors.ts";

/**
 * What an argument may be. The binder of DuckDB knows the types of columns and this translator does not, so an argument
 * of unknown type is wrapped in the guard macro of its kind, which DuckDB resolves while it binds: a guard that holds
 * costs nothing, and one that does not hold is BigQuery's "No matching signature".
 */
export type ArgumentKind =
  | "string"
  | "int64"
  | "float64"
  | "number"
  | "bool"
  | "bytes"
  | "text"
  | "date"
  | "datetime"
  | "timestamp"
  | "moment"
  | "civil"
  | "coercible"
  | "json"
  | "document"
  | "member"
  | "array"
  | "strings"
  | "comparable"
  | "any";

/** How the arguments of a function are printed. */
export type ArgumentPrinter = {
  /** The argument with no check of its type. */
  print(argument: Expression): string;
  /** The argument, checked to be of that kind. */
  guarded(argument: Expression, kind: ArgumentKind): string;
  /** The value of a STRING literal or parameter. */
  constantText(argument: Expression): string | undefined;
};

export type FunctionRule = {
  /** Kinds of the arguments; `?` marks an optional one, `...` says that the last one repeats. */
  arguments: string;
  /** The type of the result, where it is the same for all arguments. */
  returns?: ScalarTypeName;
  print(...printed: string[]): string;
  /** For SAFE.f(): NULL in place of the function's own errors. Left out: it is refused with SAFE. */
  printSafe?(...printed: string[]): string;
};

/** A function whose arguments are not all expressions: date parts, JSON paths, formats. */
export type SpecialRule = {
  /** Fewest and most arguments. */
  counts: readonly [number, number];
  returns?: ScalarTypeName;
  special(call: Call, printer: ArgumentPrinter): string;
};

export type FunctionTable = Readonly<Record<string, FunctionRule | SpecialRule>>;

/** Types that DuckDB's `typeof` gives for the values of each kind. A null type is NULL's own. */
const guards: Readonly<Record<Exclude<ArgumentKind, "any">, readonly string[]>> = {
  string: ["VARCHAR"],
  int64: ["BIGINT"],
  float64: ["BIGINT", "DOUBLE"],
  number: ["BIGINT", "DOUBLE", "DECIMAL(38,9)"],
  bool: ["BOOLEAN"],
  bytes: ["BLOB"],
  text: ["VARCHAR", "BLOB"],
  date: ["DATE"],
  datetime: ["TIMESTAMP"],
  timestamp: ["TIMESTAMP WITH TIME ZONE"],
  moment: ["DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"],
  civil: ["DATE", "TIMESTAMP"],
  coercible: ["VARCHAR", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"],
  json: ["JSON"],
  document: ["VARCHAR", "JSON"],
  member: ["VARCHAR", "BIGINT", "BOOLEAN", "JSON"],
  array: [],
  strings: ["VARCHAR[]"],
  comparable: [],
};

const kindTypes: Readonly<Partial<Record<ArgumentKind, readonly SqlType["kind"][]>>> = {
  string: ["STRING"],
  int64: ["INT64"],
  float64: ["INT64", "FLOAT64"],
  number: ["INT64", "FLOAT64", "NUMERIC"],
  bool: ["BOOL"],
  bytes: ["BYTES"],
  text: ["STRING", "BYTES"],
  date: ["DATE"],
  datetime: ["DATETIME"],
  timestamp: ["TIMESTAMP"],
  moment: ["DATE", "DATETIME", "TIMESTAMP"],
  civil: ["DATE", "DATETIME"],
  coercible: ["STRING", "DATE", "DATETIME", "TIMESTAMP"],
  json: ["JSON"],
  document: ["STRING", "JSON"],
  member: ["STRING", "INT64", "BOOL", "JSON"],
  array: ["ARRAY"],
};

/** Whether a value of that type is of that kind; undefined where only DuckDB can tell. */
export function accepts(kind: ArgumentKind, type: SqlType | undefined): boolean | undefined {
  if (kind === "any") return true;
  if (!type) return undefined;
  if (kind === "comparable") return type.kind !== "ARRAY" && type.kind !== "STRUCT" && type.kind !== "JSON";
  if (kind === "strings") return type.kind === "ARRAY" && type.element.kind === "STRING";
  return kindTypes[kind]?.includes(type.kind);
}

export function guardMacro(kind: ArgumentKind): string {
  return `bq_want_${kind}`;
}

const typeTest = (kind: string, types: readonly string[]): string => {
  if (kind === "array") return `typeof(x) NOT LIKE '%[]' AND typeof(x) <> '"NULL"'`;
  if (kind === "comparable") return `typeof(x) LIKE '%[]' OR typeof(x) LIKE 'STRUCT(%' OR typeof(x) = 'JSON'`;
  return `typeof(x) NOT IN (${[...types, '"NULL"'].map((type) => `'${type}'`).join(", ")})`;
};

export const guardMacros: readonly string[] = Object.entries(guards).map(
  ([kind, types]) =>
    `CREATE OR REPLACE MACRO bq_want_${kind}(x) AS CASE WHEN ${typeTest(kind, types)} ` +
    `THEN error('No matching signature: bq_type<' || typeof(x) || '>') ELSE x END`,
);

/** Checks the number of arguments and hands each to the printer with its kind. */
export function printRule(rule: FunctionRule, call: Call, printer: ArgumentPrinter): string {
  const kinds = rule.arguments === "" ? [] : rule.arguments.split(" ");
  const repeats = kinds.at(-1) === "...";
  if (repeats) kinds.pop();
  const fewest = kinds.filter((kind) => !kind.endsWith("?")).length;
  checkCount(call, fewest, repeats ? Number.POSITIVE_INFINITY : kinds.length);
  const printed = call.arguments.map((argument, index) => {
    const kind = (kinds[index] ?? kinds.at(-1) ?? "any").replace("?", "") as ArgumentKind;
    return printer.guarded(argument, kind);
  });
  if (!call.safe) return rule.print(...printed);
  if (rule.printSafe) return rule.printSafe(...printed);
  throw new StatementFault(`Function SAFE.${call.name} is not supported by this warehouse`, call.at);
}

export function checkCount(call: Call, fewest: number, most: number): void {
  const count = call.arguments.length;
  if (count >= fewest && count <= most) return;
  const message = `Number of arguments does not match for function ${call.name}: it takes ${
    fewest === most ? fewest : Number.isFinite(most) ? `${fewest} to ${most}` : `${fewest} or more`
  }`;
  throw new StatementFault(message, call.at);
}
