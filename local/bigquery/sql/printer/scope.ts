import type { Expression, WindowSpecification } from "../ast.ts";
import type { ReadyParameter } from "../parameters.ts";

/** What a name in FROM stands for: rows with columns, the elements of an array, or their offsets. */
export type RangeVariable = { kind: "table" | "element" | "offset"; printed: string };

/** A parameter as it stands in the statement: `@name`, or the question mark number `index` counted from 0. */
export type ParameterReference = Extract<Expression, { kind: "parameter" }>;

/** The translation of one statement: what all its parts share. */
export type Session = {
  parameter(reference: ParameterReference): ReadyParameter;
  /** The parameter's place in DuckDB's SQL, cast to its type; binds it. */
  bound(reference: ParameterReference): string;
  table(path: readonly string[], at: number): string;
};

/** What the names in an expression stand for. Scopes nest as subqueries do. Names are in lower case. */
export type Scope = {
  session: Session;
  parent?: Scope;
  ranges: ReadonlyMap<string, RangeVariable>;
  /** Common tables that are visible, by name, as DuckDB is to call them. */
  commonTables: ReadonlyMap<string, string>;
  /** Aliases of the SELECT list that override columns: those of HAVING, QUALIFY and ORDER BY. */
  aliases: ReadonlyMap<string, Expression>;
  /** Aliases that must not be read as such, though DuckDB would: those of SELECT and WHERE. */
  hidden: ReadonlySet<string>;
  windows: ReadonlyMap<string, WindowSpecification>;
  /** How many window functions have been printed in this SELECT; counted by the printer of OVER. */
  usage: { windows: number };
  /**
   * Within ON: where the checks of its comparisons go, to be made in WHERE. There they are constants as well, but in ON
   * of an outer join DuckDB would give up hashing for them.
   */
  checks?: string[];
};

export function findRange(scope: Scope, name: string): RangeVariable | undefined {
  const lower = name.toLowerCase();
  for (let current: Scope | undefined = scope; current; current = current.parent) {
    const range = current.ranges.get(lower);
    if (range) return range;
  }
  return undefined;
}

/** The only table that a scope reads from, where it reads from one. */
export function onlyTable(scope: Scope): RangeVariable | undefined {
  const [range, another] = scope.ranges.values();
  return range?.kind === "table" && !another ? range : undefined;
}
