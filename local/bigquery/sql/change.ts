import type { ArgumentKind } from "./functions/rule.ts";
import type { Expression, Name, Query } from "./ast.ts";
import { atMoment, isVolatile } from "./clock.ts";
import { StatementFault } from "./errors.ts";
import { parseChange } from "./parser/change.ts";
import type { ChangeTree, ValueRow } from "./parser/change.ts";
import { changingWord, parseStatement } from "./parser/statement.ts";
import { TokenStream } from "./parser/stream.ts";
import { printGuarded } from "./printer/expressions.ts";
import { newScope, printQuery } from "./printer/queries.ts";
import type { Surroundings } from "./printer/queries.ts";
import type { Scope } from "./printer/scope.ts";
import { openSession, refOf } from "./session.ts";
import { locating } from "./translate.ts";
import type { TableRef, Translation, TranslationContext } from "./translate.ts";
import { quoteName } from "./types.ts";

export { appendOnly } from "./parser/statement.ts";

/** A column of a table that a statement changes. */
export type TargetColumn = {
  name: string;
  /** REST's name of its type, and the name of DuckDB's. */
  type: string;
  duckdbType: string;
  isRepeated: boolean;
};

/** A statement that changes one table, read but not yet translated. */
export type ReadChange = { readonly statement: string; readonly tree: ChangeTree; readonly target: TableRef };

/** `query`: the query of an INSERT or CREATE, whose result has to have the columns of the target; `tables`: what the statement reads. */
export type ChangeTranslation = Translation & { query?: string; columnCount?: number };

export type ChangeContext = TranslationContext & {
  /** What the statement takes for the present. */
  atMs: number;
  /** How DuckDB calls the target, quoted, and its columns; a table to be created has none yet. */
  targetName: string;
  columns: readonly TargetColumn[];
};

/** Whether a statement changes, runs or defines something; false for queries and for what cannot be read. */
export function isChange(statement: string): boolean {
  try {
    return changingWord(new TokenStream(statement)) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a query calls something that answers differently another time. */
export function isVolatileQuery(query: string): boolean {
  return isVolatile(parseStatement(query));
}

/** @throws {QueryError} */
export function readChange(statement: string, context: TranslationContext): ReadChange {
  return locating(statement, () => {
    const tree = parseChange(statement);
    return { statement, tree, target: refOf(tree.target.path, tree.target.at, context) };
  });
}

/**
 * Translates a statement that changes a table into DuckDB's SQL; of a CREATE, its query. It gives the same SQL whenever it is called with
 * the same context.
 * @throws {QueryError}
 */
export function translateChange({ statement, tree }: ReadChange, context: ChangeContext): ChangeTranslation {
  return locating(statement, () => {
    const { session, bindings, tables } = openSession(context);
    const printed = print(atMoment(tree, context.atMs), context, { session, commonTables: new Map() });
    return { ...printed, bindings, tables: [...tables.values()] };
  });
}

type Printed = { sql: string; query?: string; columnCount?: number };

function print(tree: ChangeTree, context: ChangeContext, surroundings: Surroundings): Printed {
  const { targetName } = context;
  switch (tree.kind) {
    case "insert":
      return printInsert(tree, context, surroundings);
    case "update": {
      const { scope, alias } = rowsOf(tree, surroundings);
      const names = new Set<string>();
      const assignments = tree.assignments.map(({ column: name, value }) => {
        const column = columnOf(name, context, names, "Update item");
        return `${quoteName(column.name)} = ${printValue(value, column, scope)}`;
      });
      const where = printGuarded(tree.where, "bool", scope);
      return { sql: `UPDATE ${targetName} AS ${alias} SET ${assignments.join(", ")} WHERE ${where}` };
    }
    case "delete": {
      const { scope, alias } = rowsOf(tree, surroundings);
      return { sql: `DELETE FROM ${targetName} AS ${alias} WHERE ${printGuarded(tree.where, "bool", scope)}` };
    }
    case "truncate":
      return { sql: `DELETE FROM ${targetName}` };
    case "drop":
      return { sql: `DROP TABLE ${targetName}` };
    case "create": {
      const query = printQuery(tree.query, surroundings);
      return { sql: query, query };
    }
  }
}

/** The scope of expressions over the rows of the target. */
function rowsOf(
  { target, alias }: Extract<ChangeTree, { kind: "update" | "delete" }>,
  surroundings: Surroundings,
): { scope: Scope; alias: string } {
  const name = alias?.text ?? target.path.at(-1) ?? "";
  const printed = quoteName(name);
  return { scope: newScope(surroundings, new Map([[name.toLowerCase(), { kind: "table", printed }]])), alias: printed };
}

function printInsert(
  tree: Extract<ChangeTree, { kind: "insert" }>,
  context: ChangeContext,
  surroundings: Surroundings,
): Printed {
  const names = new Set<string>();
  const columns = tree.columns?.map((name) => columnOf(name, context, names, "Column")) ?? context.columns;
  // BigQuery has no NULL arrays in tables: what is missing is empty.
  const empty = context.columns.filter((column) => column.isRepeated && !columns.includes(column));
  const list = [...columns, ...empty].map((column) => quoteName(column.name)).join(", ");
  const insert = `INSERT INTO ${context.targetName} (${list})`;
  const rest = empty.map(() => "[]");
  const { source } = tree;
  if (!isRows(source)) {
    const query = printQuery(source, surroundings);
    const given = columns.map((_, index) => `c${index}`);
    const values = columns.map((column, index) => converted(guarded(`q.c${index}`, kindOf(column)), column));
    const sql = `${insert} SELECT ${[...values, ...rest].join(", ")} FROM (${query}) AS q(${given.join(", ")})`;
    return { sql, query, columnCount: columns.length };
  }
  const scope = newScope(surroundings, new Map());
  const rows = source.map(({ values, at }) => {
    if (values.length !== columns.length) {
      throw new StatementFault(
        `Inserted row has wrong column count; Has ${values.length}, expected ${columns.length}`,
        at,
      );
    }
    return `(${[...columns.map((column, index) => printValue(values[index] as Expression, column, scope)), ...rest].join(", ")})`;
  });
  return { sql: `${insert} VALUES ${rows.join(", ")}` };
}

function isRows(source: Query | readonly ValueRow[]): source is readonly ValueRow[] {
  return Array.isArray(source);
}

function columnOf(name: Name, { columns }: ChangeContext, names: Set<string>, what: string): TargetColumn {
  const lower = name.text.toLowerCase();
  const column = columns.find((candidate) => candidate.name.toLowerCase() === lower);
  if (column === undefined) throw new StatementFault(`Column ${name.text} is not present in the table`, name.at);
  if (names.has(lower)) throw new StatementFault(`${what} ${name.text} is named more than once`, name.at);
  names.add(lower);
  return column;
}

/** What BigQuery takes for a column without a cast, by its type in REST. */
const kinds: Readonly<Record<string, ArgumentKind>> = {
  STRING: "string",
  BYTES: "bytes",
  INTEGER: "int64",
  FLOAT: "number",
  NUMERIC: "number",
  BOOLEAN: "bool",
  TIMESTAMP: "timestamp",
  DATE: "date",
  DATETIME: "datetime",
  JSON: "json",
};

function kindOf({ type, isRepeated }: TargetColumn): ArgumentKind {
  return isRepeated ? "array" : (kinds[type] ?? "any");
}

function printValue(value: Expression, column: TargetColumn, scope: Scope): string {
  return converted(printGuarded(value, kindOf(column), scope), column);
}

function guarded(printed: string, kind: ArgumentKind): string {
  return kind === "any" ? printed : `bq_want_${kind}(${printed})`;
}

function converted(printed: string, { duckdbType, isRepeated }: TargetColumn): string {
  const value = `CAST(${printed} AS ${duckdbType})`;
  return isRepeated ? `coalesce(${value}, [])` : value;
}
