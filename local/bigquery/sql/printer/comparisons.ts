import type { Expression, SqlType } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import type { ArgumentKind } from "../functions/rule.ts";
import { typeText } from "../types.ts";
import { printExpression, printGuarded } from "./expressions.ts";
import { printTyped } from "./literals.ts";
import { printQuery } from "./queries.ts";
import type { Scope } from "./scope.ts";
import { staticType } from "./static-types.ts";

type Kind<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;

const numbers: ReadonlySet<string> = new Set(["INT64", "FLOAT64", "NUMERIC"]);
const moments: ReadonlySet<string> = new Set(["DATE", "DATETIME", "TIMESTAMP"]);

/**
 * Prints a comparison of two values. DuckDB would convert a text to a number to compare them, and compares lists and
 * JSON; BigQuery refuses to. `bq_comparable` is a constant once DuckDB has bound it: the comparison stays one that joins
 * and scans can use.
 */
export function printComparison(operator: string, left: Expression, right: Expression, scope: Scope): string {
  const [first, second, check] = printPair(left, right, scope);
  const comparison = `(${first} ${operator} ${second})`;
  if (check && scope.checks) scope.checks.push(check);
  return check && !scope.checks ? `(${check} AND ${comparison})` : comparison;
}

export function printBetween(expression: Kind<"between">, scope: Scope): string {
  const low = printComparison(">=", expression.operand, expression.low, scope);
  const high = printComparison("<=", expression.operand, expression.high, scope);
  return `(${expression.negated ? "NOT " : ""}(${low} AND ${high}))`;
}

export function printIn(expression: Kind<"inList" | "inUnnest" | "inQuery">, scope: Scope): string {
  const { operand, negated } = expression;
  const word = negated ? "NOT IN" : "IN";
  if (expression.kind === "inQuery")
    return `(${printExpression(operand, scope)} ${word} (${printQuery(expression.query, scope)}))`;
  if (expression.kind === "inUnnest") {
    return `(${printExpression(operand, scope)} ${word} (SELECT unnest(${printGuarded(expression.array, "array", scope)})))`;
  }
  const pairs = expression.list.map((value) => printPair(operand, value, scope));
  const checks = [...new Set(pairs.flatMap(([, , check]) => check ?? []))];
  const printed = `${pairs[0]?.[0]} ${word} (${pairs.map(([, value]) => value).join(", ")})`;
  return `(${[...checks, `(${printed})`].join(" AND ")})`;
}

type Pair = [left: string, right: string, check: string | undefined];

function printPair(left: Expression, right: Expression, scope: Scope): Pair {
  const types = [staticType(left, scope), staticType(right, scope)] as const;
  const isUnchecked = [left, right].some((side) => isNull(side) || isSubquery(side));
  if (isUnchecked) return [printExpression(left, scope), printExpression(right, scope), undefined];
  const [leftType, rightType] = types;
  // A text parameter takes on the type of the date or time that it is compared with.
  if (isTextParameter(right, rightType)) return printAdapted(left, right, scope);
  if (isTextParameter(left, leftType)) {
    const [second, first] = printAdapted(right, left, scope);
    return [first, second, undefined];
  }
  if (leftType && rightType) return printKnown(left, leftType, right, rightType, scope);
  if (rightType)
    return [printGuarded(left, partnerKind(right, rightType), scope), printExpression(right, scope), undefined];
  if (leftType)
    return [printExpression(left, scope), printGuarded(right, partnerKind(left, leftType), scope), undefined];
  const printed = [printExpression(left, scope), printExpression(right, scope)] as const;
  return [...printed, `bq_comparable(${printed[0]}, ${printed[1]})`];
}

function isTextParameter(side: Expression, type: SqlType | undefined): boolean {
  return side.kind === "parameter" && type?.kind === "STRING";
}

function printAdapted(side: Expression, parameter: Expression, scope: Scope): Pair {
  const printed = printGuarded(side, "coercible", scope);
  return [printed, `cast_to_type(${printExpression(parameter, scope)}, ${printExpression(side, scope)})`, undefined];
}

function printKnown(left: Expression, leftType: SqlType, right: Expression, rightType: SqlType, scope: Scope): Pair {
  const isComparable =
    (leftType.kind === rightType.kind || (numbers.has(leftType.kind) && numbers.has(rightType.kind))) &&
    !["ARRAY", "STRUCT", "JSON"].includes(leftType.kind);
  if (isComparable) return [printExpression(left, scope), printExpression(right, scope), undefined];
  const coercedRight = coerced(right, leftType);
  if (coercedRight) return [printExpression(left, scope), coercedRight, undefined];
  const coercedLeft = coerced(left, rightType);
  if (coercedLeft) return [coercedLeft, printExpression(right, scope), undefined];
  const message = `No matching signature for comparison for argument types: ${typeText(leftType)}, ${typeText(rightType)}`;
  throw new StatementFault(message, left.at);
}

/** A STRING literal takes on the type of a date or time that it is compared with. */
function coerced(expression: Expression, type: SqlType): string | undefined {
  const isText = expression.kind === "literal" && expression.type === "STRING";
  if (!isText || type.kind === "ARRAY" || type.kind === "STRUCT" || !moments.has(type.kind)) return undefined;
  return printTyped(type.kind, expression.text, expression.at);
}

/** What the other side of a comparison may be, when one side is of that type. */
function partnerKind(known: Expression, type: SqlType): ArgumentKind {
  switch (type.kind) {
    case "STRING":
      return known.kind === "literal" ? "coercible" : "string";
    case "INT64":
    case "FLOAT64":
    case "NUMERIC":
      return "number";
    case "ARRAY":
    case "STRUCT":
    case "JSON":
      throw new StatementFault(`Equality is not defined for arguments of type ${typeText(type)}`, known.at);
    default:
      return type.kind.toLowerCase() as ArgumentKind;
  }
}

function isNull(expression: Expression): boolean {
  return expression.kind === "literal" && expression.type === "NULL";
}

/** A guard would print the subquery a second time. */
function isSubquery(expression: Expression): boolean {
  return expression.kind === "scalarQuery";
}
