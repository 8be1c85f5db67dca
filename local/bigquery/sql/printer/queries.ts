import type { Expression, OrderItem, Query, QueryBody, Select, SelectItem } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { impliedName } from "../parser/primaries.ts";
import { quoteName } from "../types.ts";
import { printOrderItem, resolveWindows } from "./calls.ts";
import { printExpression, printGuarded } from "./expressions.ts";
import type { RangeVariable, Scope } from "./scope.ts";
import { printFrom } from "./sources.ts";

/** What surrounds a query: the session alone, or the scope of the expression that it stands in. */
export type Surroundings = Scope | Pick<Scope, "session" | "commonTables">;

const setOperators = {
  "UNION ALL": "UNION ALL",
  "UNION DISTINCT": "UNION",
  "INTERSECT DISTINCT": "INTERSECT",
  "EXCEPT DISTINCT": "EXCEPT",
} as const;

export function printQuery(query: Query, surroundings: Surroundings): string {
  const commonTables = new Map(surroundings.commonTables);
  const own = new Set<string>();
  const definitions = query.commonTables.map(({ name, query: definition }) => {
    const lower = name.text.toLowerCase();
    if (own.has(lower)) throw new StatementFault(`Duplicate alias ${name.text} for WITH subquery`, name.at);
    own.add(lower);
    const printed = printQuery(definition, { ...surroundings, commonTables: new Map(commonTables) });
    commonTables.set(lower, quoteName(name.text));
    return `${quoteName(name.text)} AS (${printed})`;
  });
  const inner = { ...surroundings, commonTables };
  const pieces = definitions.length > 0 ? [`WITH ${definitions.join(", ")}`] : [];
  const { text, scope, names } = printBody(query.body, inner);
  pieces.push(text);
  if (query.orderBy.length > 0) {
    const items = query.orderBy.map((item) => printOrderItem(item, printOrderKey(item, scope, names)));
    pieces.push(`ORDER BY ${items.join(", ")}`);
  }
  if (query.limit) pieces.push(`LIMIT ${printCount(query.limit, scope)}`);
  if (query.offset) pieces.push(`OFFSET ${printCount(query.offset, scope)}`);
  return pieces.join(" ");
}

/** A printed query body. `names` are the columns that have a name in the statement, in lower case. */
type PrintedBody = { text: string; scope: Scope; names: ReadonlySet<string> };

function printBody(body: QueryBody, surroundings: Surroundings): PrintedBody {
  if (body.kind === "select") return printSelect(body, surroundings);
  const scope = newScope(surroundings, new Map());
  if (body.kind === "nested") return { text: `(${printQuery(body.query, surroundings)})`, scope, names: new Set() };
  const operands = body.operands.map((operand) => printBody(operand, surroundings).text);
  return { text: operands.join(` ${setOperators[body.operator]} `), scope, names: new Set() };
}

export function newScope(surroundings: Surroundings, ranges: ReadonlyMap<string, RangeVariable>): Scope {
  return {
    session: surroundings.session,
    ...("ranges" in surroundings && { parent: surroundings }),
    ranges,
    commonTables: surroundings.commonTables,
    aliases: new Map(),
    hidden: new Set(),
    windows: new Map(),
    usage: { windows: 0 },
  };
}

/** An ordinal, the name of a column of the result, or an expression over the rows. */
function printOrderKey(item: OrderItem, scope: Scope, names: ReadonlySet<string>): string {
  const { value } = item;
  if (value.kind === "literal") return printOrdinal(value, "ORDER BY");
  const name = value.kind === "path" && value.names.length === 1 ? value.names[0].text : undefined;
  // Over a set operation there is nothing but the columns of the result.
  if (name !== undefined && (names.has(name.toLowerCase()) || scope.ranges.size === 0)) return quoteName(name);
  return printExpression(value, scope);
}

function printOrdinal(value: Expression, clause: string): string {
  const isOrdinal = value.kind === "literal" && value.type === "INT64" && /^[1-9]\d{0,3}$/.test(value.text);
  if (!isOrdinal) throw new StatementFault(`Cannot ${clause} literal values`, value.at);
  return value.text;
}

function printCount(count: Expression, scope: Scope): string {
  if (count.kind !== "literal" && count.kind !== "parameter") {
    throw new StatementFault("Syntax error: LIMIT and OFFSET take an integer literal or a query parameter", count.at);
  }
  return printGuarded(count, "int64", scope);
}

function printSelect(select: Select, surroundings: Surroundings): PrintedBody {
  const ranges = new Map<string, RangeVariable>();
  const checks: string[] = [];
  const rowScope = newScope(surroundings, ranges);
  const hasStar = select.items.some((item) => item.kind === "star" && !item.qualifier);
  const from = select.from && printFrom(select.from, { scope: rowScope, ranges, hasStar, checks });
  const aliases = collectAliases(select.items);
  const scope: Scope = { ...rowScope, hidden: hiddenNames(aliases), windows: resolveWindows(select.windows) };
  const outputScope: Scope = { ...scope, aliases };
  const names = new Set<string>();
  const items = printItems(select.items, scope, names);
  if (!from && hasStar) throw new StatementFault("SELECT * must have a FROM clause", select.at);

  const pieces = [`SELECT ${select.distinct ? "DISTINCT " : ""}${items.join(", ")}`];
  if (from) pieces.push(`FROM ${from}`);
  const groupBy = select.groupBy && printGroupBy(select.groupBy, aliases, scope, checks);
  const conditions = [...checks, ...(select.where ? [printGuarded(select.where, "bool", scope)] : [])];
  if (conditions.length > 0) pieces.push(`WHERE ${conditions.join(" AND ")}`);
  if (groupBy) pieces.push(`GROUP BY ${groupBy}`);
  if (select.having) pieces.push(`HAVING ${printGuarded(select.having, "bool", outputScope)}`);
  if (select.qualify) {
    pieces.push(`QUALIFY ${printGuarded(select.qualify, "bool", outputScope)}`);
    if (scope.usage.windows === 0) {
      throw new StatementFault("The QUALIFY clause requires analytic function to be present", select.qualify.at);
    }
  }
  return { text: pieces.join(" "), scope: outputScope, names };
}

/** Explicit aliases that say more than the name of the column they stand for. */
function collectAliases(items: readonly SelectItem[]): ReadonlyMap<string, Expression> {
  const aliases = new Map<string, Expression>();
  for (const item of items) {
    if (item.kind !== "expression" || !item.alias) continue;
    const { value } = item;
    const isItself =
      value.kind === "path" && value.names.length === 1 && sameName(value.names[0].text, item.alias.text);
    if (!isItself) aliases.set(item.alias.text.toLowerCase(), value);
  }
  return aliases;
}

/** Aliases that say something else than a column of that name would. */
function hiddenNames(aliases: ReadonlyMap<string, Expression>): ReadonlySet<string> {
  const differing = [...aliases].filter(([alias, value]) => impliedName(value)?.toLowerCase() !== alias);
  return new Set(differing.map(([alias]) => alias));
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Prints the SELECT list with BigQuery's names: what has none is called f0_, f1_ and so on. */
function printItems(items: readonly SelectItem[], scope: Scope, names: Set<string>): string[] {
  let nameless = 0;
  return items.map((item) => {
    if (item.kind === "star") return printStar(item, scope);
    const name = item.alias?.text ?? impliedName(item.value) ?? `f${nameless++}_`;
    if (names.has(name.toLowerCase())) {
      throw new StatementFault(
        `Duplicate column names in the result are not supported. Found duplicate(s): ${name}`,
        item.at,
      );
    }
    names.add(name.toLowerCase());
    return `${printExpression(item.value, scope)} AS ${quoteName(name)}`;
  });
}

function printStar(item: Extract<SelectItem, { kind: "star" }>, scope: Scope): string {
  const except =
    item.except.length > 0 ? ` EXCLUDE (${item.except.map((name) => quoteName(name.text)).join(", ")})` : "";
  const replace = item.replace.map(({ value, name }) => `${printExpression(value, scope)} AS ${quoteName(name.text)}`);
  const modifiers = except + (replace.length > 0 ? ` REPLACE (${replace.join(", ")})` : "");
  const qualifier = item.qualifier?.kind === "path" ? item.qualifier.names[0].text : undefined;
  if (qualifier === undefined) return `*${modifiers}`;
  const range = scope.ranges.get(qualifier.toLowerCase());
  if (range?.kind === "table") return `${range.printed}.*${modifiers}`;
  throw new StatementFault(`Dot-star is supported only on tables by this warehouse, and ${qualifier} is none`, item.at);
}

function printGroupBy(
  groupBy: NonNullable<Select["groupBy"]>,
  aliases: ReadonlyMap<string, Expression>,
  scope: Scope,
  checks: string[],
): string {
  if (groupBy === "ALL") return "ALL";
  const keys = groupBy.map((key) => {
    if (key.kind === "literal") return printOrdinal(key, "GROUP BY");
    // Here an alias counts only where it is the whole expression.
    const alias =
      key.kind === "path" && key.names.length === 1 ? aliases.get(key.names[0].text.toLowerCase()) : undefined;
    const printed = printExpression(alias ?? key, scope);
    if ((alias ?? key).kind === "path") checks.push(`bq_groupable(${printed})`);
    return printed;
  });
  return keys.join(", ");
}
