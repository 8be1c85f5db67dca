import type { Expression, Literal } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { castMacroName } from "../functions/casts.ts";
import { families, shifted } from "../functions/dates.ts";
import { extracted, readPart } from "../functions/parts.ts";
import { accepts, guardMacro } from "../functions/rule.ts";
import type { ArgumentKind, ArgumentPrinter } from "../functions/rule.ts";
import { duckdbTypeName, quoteText, typeText } from "../types.ts";
import { printCall } from "./calls.ts";
import { printBetween, printComparison, printIn } from "./comparisons.ts";
import { printLiteral, printTyped } from "./literals.ts";
import { constantText, printField, printPath, printSubscript } from "./paths.ts";
import { printQuery } from "./queries.ts";
import type { Scope } from "./scope.ts";
import { staticType } from "./static-types.ts";

/** Prints an expression as DuckDB SQL that stands for itself, in whatever expression it is put into. */
export function printExpression(expression: Expression, scope: Scope): string {
  switch (expression.kind) {
    case "literal":
      return printLiteral(expression);
    case "parameter":
      return scope.session.bound(expression);
    case "path":
      return printPath(expression, scope);
    case "field":
      return printField(expression, scope);
    case "subscript":
      return printSubscript(expression, scope);
    case "unary":
      return printUnary(expression, scope);
    case "binary":
      return printBinary(expression, scope);
    case "is":
      return `(${printTested(expression, scope)} IS ${expression.negated ? "NOT " : ""}${expression.test})`;
    case "distinctFrom":
      return printComparison(
        `IS ${expression.negated ? "NOT " : ""}DISTINCT FROM`,
        expression.left,
        expression.right,
        scope,
      );
    case "between":
      return printBetween(expression, scope);
    case "like":
      return printLike(expression, scope);
    case "inList":
    case "inUnnest":
    case "inQuery":
      return printIn(expression, scope);
    case "case":
      return `(${printCase(expression, scope)})`;
    case "cast":
      return printCast(expression, scope);
    case "extract":
      return printExtract(expression, scope);
    case "interval":
      throw new StatementFault("INTERVAL is supported only in date arithmetic by this warehouse", expression.at);
    case "array":
      return printArray(expression, scope);
    case "struct":
      return printStruct(expression, scope);
    case "call":
      return printInside(expression, "any", scope) ?? `(${printCall(expression, scope)})`;
    case "exists":
      return `EXISTS (${printQuery(expression.query, scope)})`;
    case "arrayQuery":
      return `ARRAY(${printQuery(expression.query, scope)})`;
    case "scalarQuery":
      return `(${printQuery(expression.query, scope)})`;
  }
}

/** Prints an operand or argument so that it is an error for it not to be of that kind. */
export function printGuarded(expression: Expression, kind: ArgumentKind, scope: Scope): string {
  if (expression.kind === "interval") return printExpression(expression, scope);
  if (expression.kind === "literal" && expression.type === "NULL") return "NULL";
  const isTemporal = kind === "date" || kind === "datetime" || kind === "timestamp";
  if (isTemporal && expression.kind === "literal" && expression.type === "STRING") {
    return printTyped(kind.toUpperCase() as "DATE" | "DATETIME" | "TIMESTAMP", expression.text, expression.at);
  }
  const type = staticType(expression, scope);
  const accepted = accepts(kind, type);
  if (accepted === undefined)
    return printInside(expression, kind, scope) ?? `${guardMacro(kind)}(${printExpression(expression, scope)})`;
  if (accepted) return printExpression(expression, scope);
  throw new StatementFault(
    `No matching signature: expected ${kind.toUpperCase()} but got ${type ? typeText(type) : "another type"}`,
    expression.at,
  );
}

/**
 * Prints an expression whose result is of a kind exactly when its operands are, by guarding those; undefined for all
 * others. A guard is a macro that repeats its argument, so that guards around guards would grow beyond all bounds.
 */
function printInside(expression: Expression, kind: ArgumentKind, scope: Scope): string | undefined {
  const isNumber = kind === "number" || kind === "float64" || kind === "int64";
  if (expression.kind === "unary" && expression.operator !== "NOT" && isNumber) {
    return `(${expression.operator}${printGuarded(expression.operand, kind, scope)})`;
  }
  if (expression.kind === "binary") {
    const { operator, left, right } = expression;
    const isSum = operator === "+" || operator === "-";
    const isArithmetic = isNumber && (isSum || (operator === "*" && kind !== "number"));
    const isText = operator === "||" && (kind === "string" || kind === "bytes" || kind === "text");
    const isInterval = left.kind === "interval" || right.kind === "interval";
    if (isInterval || !(isArithmetic || isText)) return undefined;
    return `(${printGuarded(left, kind, scope)} ${operator} ${printGuarded(right, kind, scope)})`;
  }
  if (expression.kind === "case") return `(${printCase(expression, scope, kind)})`;
  if (expression.kind !== "call" || expression.safe) return undefined;
  const { name, arguments: given } = expression;
  const [condition, ...branches] = given;
  if (name === "IF" && condition && branches.length === 2) {
    const [yes, no] = printAlike(branches, kind, scope);
    return `(CASE WHEN ${printGuarded(condition, "bool", scope)} THEN ${yes} ELSE ${no} END)`;
  }
  const isFallback = (name === "COALESCE" && given.length > 0) || (name === "IFNULL" && given.length === 2);
  return isFallback ? `coalesce(${printAlike(given, kind, scope).join(", ")})` : undefined;
}

/** Prints values of which one is chosen. Where the statement tells the type of one, the others must go with it. */
function printAlike(values: readonly Expression[], kind: ArgumentKind, scope: Scope): string[] {
  const wanted = kind === "any" ? commonKind(values, scope) : kind;
  return values.map((value) => printGuarded(value, wanted, scope));
}

function commonKind(values: readonly Expression[], scope: Scope): ArgumentKind {
  const typed = values.map((value) => ({ value, type: staticType(value, scope)?.kind }));
  // A STRING literal may still become a date or time, so what is no literal decides.
  const leader = typed.find(({ value, type }) => type && value.kind !== "literal") ?? typed.find(({ type }) => type);
  switch (leader?.type) {
    case undefined:
    case "ARRAY":
    case "STRUCT":
      return "any";
    case "STRING":
      return leader?.value.kind === "literal" ? "coercible" : "string";
    case "INT64":
    case "FLOAT64":
    case "NUMERIC":
      return "number";
    default:
      return leader?.type.toLowerCase() as ArgumentKind;
  }
}

/** The printer that the functions of the catalog get, for one scope. */
export function argumentPrinter(scope: Scope): ArgumentPrinter {
  return {
    print: (argument) => printExpression(argument, scope),
    guarded: (argument, kind) => printGuarded(argument, kind, scope),
    constantText: (argument) => constantText(argument, scope),
  };
}

function printUnary(expression: Extract<Expression, { kind: "unary" }>, scope: Scope): string {
  const { operator, operand } = expression;
  if (operator === "NOT") return `(NOT ${printGuarded(operand, "bool", scope)})`;
  if (operator === "-" && isNumberLiteral(operand)) return printLiteral(operand, true);
  const kind = operator === "~" ? "int64" : "number";
  return `(${operator}${printGuarded(operand, kind, scope)})`;
}

function isNumberLiteral(expression: Expression): expression is Literal {
  return expression.kind === "literal" && (expression.type === "INT64" || expression.type === "FLOAT64");
}

function printBinary(expression: Extract<Expression, { kind: "binary" }>, scope: Scope): string {
  const { operator, left, right } = expression;
  const both = (kind: ArgumentKind): string =>
    `(${printGuarded(left, kind, scope)} ${operator} ${printGuarded(right, kind, scope)})`;
  switch (operator) {
    case "AND":
    case "OR":
      return both("bool");
    case "=":
    case "!=":
    case "<":
    case "<=":
    case ">":
    case ">=":
      return printComparison(operator, left, right, scope);
    case "||":
      return both("text");
    case "+":
    case "-":
      return printSum(expression, scope) ?? both("number");
    case "*":
      return both("float64");
    case "/":
      return `bq_divide(${printGuarded(left, "float64", scope)}, ${printGuarded(right, "float64", scope)})`;
    case "^":
      return `xor(${printGuarded(left, "int64", scope)}, ${printGuarded(right, "int64", scope)})`;
    case "|":
    case "&":
      return both("int64");
    case "<<":
    case ">>":
      throw new StatementFault("Bit shifts are not supported by this warehouse", expression.at);
  }
}

/** A date plus or minus an interval; undefined where neither side is an interval. */
function printSum(expression: Extract<Expression, { kind: "binary" }>, scope: Scope): string | undefined {
  const { operator, left, right } = expression;
  const [moment, step] = operator === "+" && left.kind === "interval" ? [right, left] : [left, right];
  if (step.kind !== "interval") return undefined;
  const isCalendar = ["MONTH", "QUARTER", "YEAR"].includes(step.unit.text.toUpperCase());
  // A DATE with an interval is a DATETIME. A TIMESTAMP takes no months: they would depend on a zone.
  const printed = printGuarded(moment, isCalendar ? "civil" : "moment", scope);
  return shifted(families.DATETIME, printed, step, operator === "+" ? 1 : -1, argumentPrinter(scope));
}

/** IS TRUE and IS FALSE are for BOOL, IS NULL is for all. */
function printTested(expression: Extract<Expression, { kind: "is" }>, scope: Scope): string {
  if (expression.test === "NULL") return printExpression(expression.operand, scope);
  return printGuarded(expression.operand, "bool", scope);
}

function printLike(expression: Extract<Expression, { kind: "like" }>, scope: Scope): string {
  const constant = constantText(expression.pattern, scope);
  if (constant !== undefined && /(?:^|[^\\])(?:\\\\)*\\$/.test(constant)) {
    throw new StatementFault("LIKE pattern ends with a backslash", expression.pattern.at);
  }
  const operand = printGuarded(expression.operand, "string", scope);
  const pattern = printGuarded(expression.pattern, "string", scope);
  return String.raw`(${operand} ${expression.negated ? "NOT " : ""}LIKE ${pattern} ESCAPE '\')`;
}

function printCase(
  expression: Extract<Expression, { kind: "case" }>,
  scope: Scope,
  kind: ArgumentKind = "any",
): string {
  const { operand, otherwise } = expression;
  const values = [...expression.branches.map(({ result }) => result), ...(otherwise ? [otherwise] : [])];
  const results = printAlike(values, kind, scope);
  const branches = expression.branches.map(({ when }, index) => {
    const condition = operand ? printComparison("=", operand, when, scope) : printGuarded(when, "bool", scope);
    return `WHEN ${condition} THEN ${results[index]}`;
  });
  return `CASE ${branches.join(" ")}${otherwise ? ` ELSE ${results.at(-1)}` : ""} END`;
}

function printCast(expression: Extract<Expression, { kind: "cast" }>, scope: Scope): string {
  const { operand, type, safe, at } = expression;
  const isNull = operand.kind === "literal" && operand.type === "NULL";
  if (isNull) return `CAST(NULL AS ${duckdbTypeName(type)})`;
  if (type.kind === "ARRAY" || type.kind === "STRUCT" || type.kind === "JSON") {
    throw new StatementFault(`CAST to ${typeText(type)} is not supported by this warehouse`, at);
  }
  const source = staticType(operand, scope)?.kind;
  return `${castMacroName(type.kind, safe, source)}(${printExpression(operand, scope)})`;
}

function printExtract(expression: Extract<Expression, { kind: "extract" }>, scope: Scope): string {
  const part = readPart(expression.part);
  const operand = expression.zone
    ? `timezone(${printGuarded(expression.zone, "string", scope)}, ${printGuarded(expression.operand, "timestamp", scope)})`
    : `${isClockPart(part.name) ? "bq_local_clock" : "bq_local"}(${printExpression(expression.operand, scope)})`;
  if (part.name === "DATE") return `CAST(${operand} AS DATE)`;
  return `(${extracted(part, operand) ?? operand})`;
}

function isClockPart(name: string): boolean {
  return ["MICROSECOND", "MILLISECOND", "SECOND", "MINUTE", "HOUR", "DATETIME"].includes(name);
}

function printArray(expression: Extract<Expression, { kind: "array" }>, scope: Scope): string {
  const { element, elements } = expression;
  if (elements.some((value) => value.kind === "array" || value.kind === "arrayQuery")) {
    throw new StatementFault(
      "Cannot construct array with element type ARRAY because nested arrays are not supported",
      expression.at,
    );
  }
  const list = `[${printAlike(elements, "any", scope).join(", ")}]`;
  if (element) return `CAST(${list} AS ${duckdbTypeName({ kind: "ARRAY", element })})`;
  // BigQuery's untyped empty array is one of INT64.
  return elements.length === 0 ? "CAST([] AS BIGINT[])" : list;
}

function printStruct(expression: Extract<Expression, { kind: "struct" }>, scope: Scope): string {
  const { type, fields, at } = expression;
  const types = type?.kind === "STRUCT" ? type.fields : undefined;
  if (types && types.length !== fields.length)
    throw new StatementFault("STRUCT has another number of fields than its type", at);
  const names = fields.map((field, index) => types?.[index]?.name ?? field.name);
  if (new Set(names.map((name) => name?.toLowerCase())).size < names.length || names.includes(undefined)) {
    throw new StatementFault(
      "Structs need a name of its own for each field in this warehouse: use STRUCT(x AS name)",
      at,
    );
  }
  const printed = fields.map(
    (field, index) => `${quoteText(names[index] ?? "")}: ${printExpression(field.value, scope)}`,
  );
  const literal = `{${printed.join(", ")}}`;
  return type ? `CAST(${literal} AS ${duckdbTypeName(type)})` : literal;
}
