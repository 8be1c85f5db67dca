import type { Expression, Name, Path } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { stepPath } from "../functions/paths.ts";
import { quoteName, quoteText } from "../types.ts";
import { printExpression, printGuarded } from "./expressions.ts";
import { findRange, onlyTable } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { staticType } from "./static-types.ts";

/** The value of a STRING literal or parameter; undefined for all else. */
export function constantText(expression: Expression, scope: Scope): string | undefined {
  if (expression.kind === "literal") return expression.type === "STRING" ? expression.text : undefined;
  return expression.kind === "parameter" ? scope.session.parameter(expression).text : undefined;
}

export function printPath(path: Path, scope: Scope): string {
  const [first, ...rest] = path.names;
  const lower = first.text.toLowerCase();
  const alias = scope.aliases.get(lower);
  let printed: string;
  let members = rest;
  if (alias) {
    printed = `(${printExpression(alias, { ...scope, aliases: new Map() })})`;
  } else {
    const range = findRange(scope, lower);
    const [column, ...deeper] = rest;
    if (range?.kind === "table" && column) {
      printed = `${range.printed}.${quoteName(knownColumn(column))}`;
      members = deeper;
    } else if (range && range.kind !== "table" && scope.ranges.has(lower)) {
      printed = range.printed;
    } else {
      printed = printColumn(first, scope);
    }
  }
  return members.reduce((operand, name) => printMember(operand, name.text, name.at), printed);
}

/** A field of a STRUCT or a member of a JSON value: DuckDB knows which, and reads both with a dot. */
function printMember(operand: string, name: string, at: number): string {
  if (/["*]/.test(name))
    throw new StatementFault(`Field name ${JSON.stringify(name)} is not supported by this warehouse`, at);
  return `${operand}.${quoteName(name)}`;
}

/** DuckDB has a column in each table that BigQuery has not. */
function knownColumn({ text, at }: Name): string {
  if (text.toLowerCase() === "rowid") throw new StatementFault(`Unrecognized name: ${text}`, at);
  return text;
}

/** A name that stands alone. Qualified where it could be taken for an alias of the SELECT list. */
function printColumn({ text: name, at }: Name, scope: Scope): string {
  knownColumn({ text: name, at });
  if (!scope.hidden.has(name.toLowerCase())) return quoteName(name);
  const table = onlyTable(scope);
  if (table) return `${table.printed}.${quoteName(name)}`;
  throw new StatementFault(`Name ${name} is also an alias of the SELECT list: it must be qualified with its table`, at);
}

function isJson(expression: Expression, scope: Scope): boolean {
  if (staticType(expression, scope)?.kind === "JSON") return true;
  if (expression.kind === "field") return isJson(expression.operand, scope);
  if (expression.kind !== "subscript" || expression.mode !== "PLAIN") return false;
  return constantText(expression.index, scope) !== undefined || isJson(expression.operand, scope);
}

export function printField({ operand, name }: Extract<Expression, { kind: "field" }>, scope: Scope): string {
  return printMember(`(${printExpression(operand, scope)})`, name.text, name.at);
}

export function printSubscript(expression: Extract<Expression, { kind: "subscript" }>, scope: Scope): string {
  const { operand, index, mode, at } = expression;
  const member = constantText(index, scope);
  if (mode === "PLAIN" && (member !== undefined || isJson(operand, scope))) {
    const step = member ?? (index.kind === "literal" && index.type === "INT64" ? Number(index.text) : undefined);
    if (step === undefined) throw new StatementFault("JSON subscripts must be literals in this warehouse", at);
    return `json_extract(${printGuarded(operand, "json", scope)}, ${quoteText(stepPath(step, at))})`;
  }
  const position = printGuarded(index, "int64", scope);
  const offset = mode.endsWith("ORDINAL") ? `${position} - 1` : position;
  const macro = mode.startsWith("SAFE_") ? "bq_safe_offset" : "bq_offset";
  return `${macro}(${printGuarded(operand, "array", scope)}, ${offset})`;
}
