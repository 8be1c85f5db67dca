import type { Expression, FromItem, Name } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { quoteName } from "../types.ts";
import { printGuarded } from "./expressions.ts";
import { printQuery } from "./queries.ts";
import { findRange } from "./scope.ts";
import type { RangeVariable, Scope } from "./scope.ts";

/** What is written while FROM is printed: each item sees the names of those to the left of it. */
type Source = {
  scope: Scope;
  ranges: Map<string, RangeVariable>;
  /** Whether the SELECT list has a bare star, to which an array's STRUCT elements would give columns. */
  hasStar: boolean;
  /** See {@link Scope.checks}. */
  checks: string[];
};

/** Prints a FROM clause and enters its names into `ranges`, which is the map of `scope`. */
export function printFrom(item: FromItem, source: Source): string {
  switch (item.kind) {
    case "table":
      return printTable(item, source);
    case "subquery":
      return printSubquery(item, source);
    case "unnest":
      return printUnnest(item, source);
    case "join":
      return printJoin(item, source);
  }
}

function declare(source: Source, name: string, range: RangeVariable, at: number): void {
  const lower = name.toLowerCase();
  if (source.ranges.has(lower)) throw new StatementFault(`Duplicate table alias ${name} in the same FROM clause`, at);
  source.ranges.set(lower, range);
}

function printTable(item: Extract<FromItem, { kind: "table" }>, source: Source): string {
  const [first = "", ...rest] = item.path;
  if (rest.length > 0 && findRange(source.scope, first))
    return printUnnest({ ...item, kind: "unnest", array: pathOf(item) }, source);
  const common = rest.length === 0 ? source.scope.commonTables.get(first.toLowerCase()) : undefined;
  const table = common ?? source.scope.session.table(item.path, item.at);
  const name = item.alias?.text ?? item.path.at(-1) ?? first;
  declare(source, name, { kind: "table", printed: quoteName(name) }, item.alias?.at ?? item.at);
  return `${table} AS ${quoteName(name)}`;
}

/** `FROM t, t.items` reads the elements of an array column. */
function pathOf(item: Extract<FromItem, { kind: "table" }>): Expression {
  const [first = "", ...rest] = item.path;
  const name = (text: string): Name => ({ text, at: item.at });
  return { kind: "path", names: [name(first), ...rest.map(name)], at: item.at };
}

function printSubquery(item: Extract<FromItem, { kind: "subquery" }>, source: Source): string {
  const { parent, session, commonTables } = source.scope;
  // A subquery in FROM sees what is around the whole SELECT, not its neighbours.
  const printed = printQuery(item.query, parent ? { ...parent, commonTables } : { session, commonTables });
  const name = item.alias?.text ?? `subquery at ${item.at}`;
  declare(source, name, { kind: "table", printed: quoteName(name) }, item.at);
  return `(${printed}) AS ${quoteName(name)}`;
}

function printUnnest(item: Extract<FromItem, { kind: "unnest" }>, source: Source): string {
  const array = printGuarded(item.array, "array", source.scope);
  const elements = source.hasStar ? `bq_scalar_elements(${array})` : array;
  const isPath = item.array.kind === "path";
  const name = item.alias?.text ?? `elements at ${item.at}`;
  // UNNEST gives an element no name where the query gives none; `FROM t, t.items` names it like the column.
  const column = item.alias?.text ?? (isPath ? implied(item.array) : "f0_");
  const columns = [`unnest(${elements}) AS ${quoteName(column)}`];
  declare(
    source,
    item.alias?.text ?? name,
    { kind: "element", printed: `${quoteName(name)}.${quoteName(column)}` },
    item.at,
  );
  if (item.offset) {
    const offset = quoteName(item.offset.text);
    columns.push(`generate_subscripts(${array}, 1) - 1 AS ${offset}`);
    declare(source, item.offset.text, { kind: "offset", printed: `${quoteName(name)}.${offset}` }, item.offset.at);
  }
  return `(SELECT ${columns.join(", ")}) AS ${quoteName(name)}`;
}

function implied(array: Expression): string {
  return array.kind === "path" ? (array.names.at(-1)?.text ?? "f0_") : "f0_";
}

function printJoin(item: Extract<FromItem, { kind: "join" }>, source: Source): string {
  const left = printFrom(item.left, source);
  const printedRight = printFrom(item.right, source);
  const right = item.right.kind === "join" ? `(${printedRight})` : printedRight;
  if (item.type === "CROSS") return `${left} CROSS JOIN ${right}`;
  const join = `${left} ${item.type} JOIN ${right}`;
  if (item.using.length > 0) return `${join} USING (${item.using.map((name) => quoteName(name.text)).join(", ")})`;
  return `${join} ON ${item.on ? printGuarded(item.on, "bool", { ...source.scope, checks: source.checks }) : "TRUE"}`;
}
