import type { Expression, Name, Query, QueryBody, Select, SelectItem, SetOperator } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseOrderBy, parseWindow } from "./calls.ts";
import { parseExpression } from "./expressions.ts";
import { parseFrom } from "./sources.ts";
import type { TokenStream } from "./stream.ts";

/** Whether a query begins here: SELECT or WITH, or parentheses around one. */
export function isQueryStart(stream: TokenStream): boolean {
  let ahead = 0;
  while (stream.isSymbol("(", ahead)) ahead++;
  const token = stream.peek(ahead);
  return token.kind === "identifier" && /^(?:select|with)$/i.test(token.text);
}

/** Reads a query with its WITH, ORDER BY and LIMIT clauses. */
export function parseQuery(stream: TokenStream): Query {
  return stream.nested(() => {
    const at = stream.peek().start;
    const commonTables = parseWith(stream);
    const body = parseBody(stream);
    const orderBy = parseOrderBy(stream);
    const limit = stream.acceptWord("LIMIT") ? parseExpression(stream) : undefined;
    const offset = limit && stream.acceptWord("OFFSET") ? parseExpression(stream) : undefined;
    return { commonTables, body, orderBy, at, ...(limit && { limit }), ...(offset && { offset }) };
  });
}

function parseWith(stream: TokenStream): Query["commonTables"] {
  if (!stream.acceptWord("WITH")) return [];
  if (stream.isWord("RECURSIVE")) {
    throw new StatementFault("WITH RECURSIVE is not supported by this warehouse", stream.peek().start);
  }
  return stream.list(() => {
    const name = stream.expectName();
    stream.expectWord("AS");
    return { name, query: stream.parenthesized(() => parseQuery(stream)) };
  });
}

function parseBody(stream: TokenStream): QueryBody {
  const first = parseTerm(stream);
  const operator = parseSetOperator(stream);
  if (!operator) return first;
  const operands: QueryBody[] = [first, parseTerm(stream)];
  for (let at = stream.peek().start; ; at = stream.peek().start) {
    const following = parseSetOperator(stream);
    if (!following) return { kind: "set", operator, operands, at: first.at };
    if (following !== operator) {
      throw new StatementFault(
        "Syntax error: Different set operations cannot be used in the same query without using parentheses for grouping",
        at,
      );
    }
    if (operator === "EXCEPT DISTINCT") {
      throw new StatementFault(
        "Syntax error: EXCEPT must be used with parentheses when more than two queries are combined",
        at,
      );
    }
    operands.push(parseTerm(stream));
  }
}

function parseSetOperator(stream: TokenStream): SetOperator | undefined {
  const token = stream.peek();
  const word = ["UNION", "INTERSECT", "EXCEPT"].find((name) => stream.acceptWord(name));
  if (!word) return undefined;
  if (stream.acceptWord("DISTINCT")) return `${word} DISTINCT` as SetOperator;
  if (!stream.acceptWord("ALL")) throw stream.unexpected("keyword ALL or keyword DISTINCT");
  if (word !== "UNION") throw new StatementFault(`${word} ALL is not supported`, token.start);
  if (["BY", "CORRESPONDING", "STRICT"].some((name) => stream.isWord(name))) {
    throw new StatementFault("Set operations by name are not supported by this warehouse", token.start);
  }
  return "UNION ALL";
}

function parseTerm(stream: TokenStream): QueryBody {
  const at = stream.peek().start;
  if (stream.isSymbol("(")) return { kind: "nested", query: stream.parenthesized(() => parseQuery(stream)), at };
  return parseSelect(stream);
}

function parseSelect(stream: TokenStream): Select {
  const at = stream.peek().start;
  stream.expectWord("SELECT");
  const distinct = stream.acceptWord("DISTINCT");
  if (!distinct) stream.acceptWord("ALL");
  if (stream.isWord("AS") && ["STRUCT", "VALUE"].some((word) => stream.isWord("AS", word))) {
    throw new StatementFault("SELECT AS STRUCT and SELECT AS VALUE are not supported by this warehouse", at);
  }
  const items = parseItems(stream);
  const from = stream.acceptWord("FROM") ? parseFrom(stream) : undefined;
  const condition = (...words: string[]): Expression | undefined =>
    stream.acceptWord(...words) ? parseExpression(stream) : undefined;
  const where = condition("WHERE");
  const groupBy = parseGroupBy(stream);
  const having = condition("HAVING");
  const qualify = condition("QUALIFY");
  const windows = stream.acceptWord("WINDOW") ? parseWindows(stream) : [];
  if (!from && (where || groupBy || having || qualify)) {
    throw new StatementFault("Query without FROM clause cannot have a WHERE, GROUP BY, HAVING or QUALIFY clause", at);
  }
  return {
    kind: "select",
    distinct,
    items,
    windows,
    at,
    ...(from && { from }),
    ...(where && { where }),
    ...(groupBy && { groupBy }),
    ...(having && { having }),
    ...(qualify && { qualify }),
  };
}

function parseItems(stream: TokenStream): readonly SelectItem[] {
  const items = [parseItem(stream)];
  while (stream.acceptSymbol(",")) {
    const isTrailing = stream.peek().kind === "end" || stream.isSymbol(")") || stream.isWord("FROM");
    if (isTrailing) break;
    items.push(parseItem(stream));
  }
  return items;
}

function parseItem(stream: TokenStream): SelectItem {
  const at = stream.peek().start;
  if (stream.acceptSymbol("*")) return parseStarModifiers(stream, at);
  if (stream.isName() && stream.isSymbol(".", 1) && stream.isSymbol("*", 2)) {
    const name = stream.expectName();
    stream.expectSymbol(".");
    stream.expectSymbol("*");
    return parseStarModifiers(stream, at, { kind: "path", names: [name], at });
  }
  const value = parseExpression(stream);
  const isAlias = stream.acceptWord("AS") || stream.isName();
  return { kind: "expression", value, at, ...(isAlias && { alias: stream.expectName() }) };
}

function parseStarModifiers(stream: TokenStream, at: number, qualifier?: Expression): SelectItem {
  const hasExcept = stream.isWord("EXCEPT") && stream.isSymbol("(", 1) && stream.acceptWord("EXCEPT");
  const except = hasExcept ? stream.parenthesized(() => stream.list(() => stream.expectName())) : [];
  const replace = stream.acceptWord("REPLACE")
    ? stream.parenthesized(() =>
        stream.list((): { value: Expression; name: Name } => {
          const value = parseExpression(stream);
          stream.expectWord("AS");
          return { value, name: stream.expectName() };
        }),
      )
    : [];
  return { kind: "star", except, replace, at, ...(qualifier && { qualifier }) };
}

function parseGroupBy(stream: TokenStream): Select["groupBy"] {
  if (!stream.acceptWord("GROUP")) return undefined;
  stream.expectWord("BY");
  if (stream.acceptWord("ALL")) return "ALL";
  if (["ROLLUP", "CUBE", "GROUPING"].some((word) => stream.isWord(word))) {
    throw new StatementFault("ROLLUP, CUBE and GROUPING SETS are not supported by this warehouse", stream.peek().start);
  }
  return stream.list(() => parseExpression(stream));
}

function parseWindows(stream: TokenStream): Select["windows"] {
  return stream.list(() => {
    const name = stream.expectName();
    stream.expectWord("AS");
    if (!stream.isSymbol("(")) {
      const base = stream.expectName();
      return { name, specification: { base, partitionBy: [], orderBy: [], at: base.at } };
    }
    return { name, specification: stream.parenthesized(() => parseWindow(stream)) };
  });
}
