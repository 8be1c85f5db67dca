import type { Expression, SqlType } from "../ast.ts";
import { aggregates } from "../functions/aggregates.ts";
import { findFunction } from "../functions/catalog.ts";
import { windowFunctions } from "../functions/windows.ts";
import type { Scope } from "./scope.ts";

/**
 * The type of an expression where the statement alone tells it, without a look at the tables. Undefined for columns and
 * what depends on them; a NULL literal has no type either.
 */
export function staticType(expression: Expression, scope: Scope): SqlType | undefined {
  switch (expression.kind) {
    case "literal":
      return expression.type === "NULL" ? undefined : { kind: expression.type };
    case "parameter":
      return scope.session.parameter(expression).type;
    case "cast":
      return expression.type;
    case "field": {
      const operand = staticType(expression.operand, scope);
      const name = expression.name.text.toLowerCase();
      return operand?.kind === "STRUCT"
        ? operand.fields.find((field) => field.name?.toLowerCase() === name)?.type
        : undefined;
    }
    case "unary":
      return expression.operator === "NOT" ? { kind: "BOOL" } : staticType(expression.operand, scope);
    case "binary":
      return binaryType(expression, scope);
    case "is":
    case "distinctFrom":
    case "between":
    case "like":
    case "inList":
    case "inUnnest":
    case "inQuery":
    case "exists":
      return { kind: "BOOL" };
    case "call":
      return callType(expression, scope);
    case "array":
      return expression.element && { kind: "ARRAY", element: expression.element };
    case "case":
      return commonType([...expression.branches.map((branch) => branch.result), expression.otherwise], scope);
    default:
      return undefined;
  }
}

function binaryType(expression: Extract<Expression, { kind: "binary" }>, scope: Scope): SqlType | undefined {
  const { operator } = expression;
  if (["AND", "OR", "=", "!=", "<", "<=", ">", ">="].includes(operator)) return { kind: "BOOL" };
  const [left, right] = [staticType(expression.left, scope), staticType(expression.right, scope)];
  if (operator === "||") return left?.kind === "STRING" || right?.kind === "STRING" ? { kind: "STRING" } : undefined;
  if (["|", "^", "&", "<<", ">>"].includes(operator)) return { kind: "INT64" };
  if (operator === "/") return { kind: "FLOAT64" };
  if (!left || !right) return undefined;
  if (left.kind === right.kind) return left;
  const kinds = [left.kind, right.kind];
  return kinds.includes("FLOAT64") ? { kind: "FLOAT64" } : undefined;
}

function callType(call: Extract<Expression, { kind: "call" }>, scope: Scope): SqlType | undefined {
  const [first, second, third] = call.arguments;
  if (call.name === "IF") return commonType([second, third], scope);
  if (call.name === "COALESCE" || call.name === "IFNULL") return commonType(call.arguments, scope);
  const aggregate = Object.hasOwn(aggregates, call.name) ? aggregates[call.name] : undefined;
  const windowed = Object.hasOwn(windowFunctions, call.name) ? windowFunctions[call.name] : undefined;
  const rule = aggregate ?? windowed;
  if (rule?.returnsFirst && first) return staticType(first, scope);
  const returns = (rule ?? findFunction(call.name))?.returns;
  return returns && { kind: returns };
}

/** The one type of all of them; NULLs and absent ones are of any type. */
function commonType(values: readonly (Expression | undefined)[], scope: Scope): SqlType | undefined {
  const present = values.filter((value) => value && !(value.kind === "literal" && value.type === "NULL"));
  const types = present.map((value) => value && staticType(value, scope));
  const [first] = types;
  return first && types.every((type) => type?.kind === first.kind) ? first : undefined;
}
