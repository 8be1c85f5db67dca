import type { Expression, FromItem, JoinType, Name } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseExpression } from "./expressions.ts";
import { isQueryStart, parseQuery } from "./queries.ts";
import type { TokenStream } from "./stream.ts";

/** Reads what stands behind FROM: tables, subqueries, UNNEST and the joins between them. */
export function parseFrom(stream: TokenStream): FromItem {
  let left = parseJoins(stream);
  while (stream.isSymbol(",")) {
    const at = stream.next().start;
    // The comma binds like CROSS JOIN, from left to right with the joins that follow it.
    left = continueJoins(stream, { kind: "join", type: "CROSS", left, right: parseSource(stream), using: [], at });
  }
  return left;
}

function parseJoins(stream: TokenStream): FromItem {
  return continueJoins(stream, parseSource(stream));
}

function continueJoins(stream: TokenStream, first: FromItem): FromItem {
  let left = first;
  for (;;) {
    const at = stream.peek().start;
    const type = parseJoinType(stream);
    if (!type) return left;
    const right = parseSource(stream);
    left = { kind: "join", type, left, right, at, ...parseCondition(stream, type, right, at) };
  }
}

function parseJoinType(stream: TokenStream): JoinType | undefined {
  if (stream.isWord("NATURAL")) throw stream.unexpected();
  for (const type of ["CROSS", "INNER"] as const) {
    if (!stream.acceptWord(type)) continue;
    stream.expectWord("JOIN");
    return type;
  }
  for (const type of ["LEFT", "RIGHT", "FULL"] as const) {
    if (!stream.acceptWord(type)) continue;
    stream.acceptWord("OUTER");
    stream.expectWord("JOIN");
    return type;
  }
  return stream.acceptWord("JOIN") ? "INNER" : undefined;
}

function parseCondition(
  stream: TokenStream,
  type: JoinType,
  right: FromItem,
  at: number,
): { on?: Expression; using: readonly Name[] } {
  if (type === "CROSS") return { using: [] };
  if (stream.acceptWord("ON")) return { on: parseExpression(stream), using: [] };
  if (stream.acceptWord("USING")) return { using: stream.parenthesized(() => stream.list(() => stream.expectName())) };
  // Only the elements of an array may be joined without a condition.
  if (right.kind === "unnest" || right.kind === "table") return { using: [] };
  throw new StatementFault(`Syntax error: ${type} JOIN must have an immediately following ON or USING clause`, at);
}

function parseSource(stream: TokenStream): FromItem {
  const at = stream.peek().start;
  const item = stream.isSymbol("(")
    ? parseParenthesized(stream, at)
    : stream.acceptWord("UNNEST")
      ? parseUnnest(stream, at)
      : parseTable(stream, at);
  for (const word of ["TABLESAMPLE", "PIVOT", "UNPIVOT", "MATCH_RECOGNIZE"]) {
    if (stream.isWord(word) && (word === "TABLESAMPLE" || stream.isSymbol("(", 1))) {
      throw new StatementFault(`${word} is not supported by this warehouse`, stream.peek().start);
    }
  }
  if (stream.isWord("FOR"))
    throw new StatementFault("FOR SYSTEM_TIME is not supported by this warehouse", stream.peek().start);
  return item;
}

function parseParenthesized(stream: TokenStream, at: number): FromItem {
  const isQuery = isQueryStart(stream);
  const inner = stream.parenthesized(() => (isQuery ? parseQuery(stream) : parseFrom(stream)));
  if ("kind" in inner) return inner;
  return { kind: "subquery", query: inner, at, ...parseAlias(stream) };
}

export function parseAlias(stream: TokenStream): { alias?: Name } {
  const isAlias = stream.acceptWord("AS") || (stream.isName() && !stream.isWord("PIVOT") && !stream.isWord("UNPIVOT"));
  return isAlias ? { alias: stream.expectName() } : {};
}

function parseUnnest(stream: TokenStream, at: number): FromItem {
  const array = stream.parenthesized(() => parseExpression(stream));
  return { kind: "unnest", array, at, ...parseAlias(stream), ...parseOffset(stream) };
}

function parseOffset(stream: TokenStream): { offset?: Name } {
  const at = stream.peek().start;
  if (!stream.acceptWord("WITH", "OFFSET")) return {};
  return { offset: parseAlias(stream).alias ?? { text: "offset", at } };
}

function parseTable(stream: TokenStream, at: number): FromItem {
  const path = parseTablePath(stream);
  if (stream.isSymbol("(")) throw new StatementFault(`Table-valued function not found: ${path.join(".")}`, at);
  const alias = parseAlias(stream);
  const offset = parseOffset(stream);
  const names = path.map((text): Name => ({ text, at }));
  const [first, ...rest] = names;
  // WITH OFFSET is only for arrays: `FROM t, t.items WITH OFFSET`.
  if (offset.offset && first) {
    return { kind: "unnest", array: { kind: "path", names: [first, ...rest], at }, at, ...alias, ...offset };
  }
  return { kind: "table", path, at, ...alias };
}

/** The name of a table, part by part. */
export function parseTablePath(stream: TokenStream): string[] {
  if (!stream.isName()) throw stream.unexpected();
  const path = parseDashedName(stream);
  while (stream.acceptSymbol(".")) {
    const part = stream.expectMember();
    path.push(...part.text.split("."));
  }
  return path;
}

/** A table's first name; outside backticks it may hold dashes, as the names of projects do. */
function parseDashedName(stream: TokenStream): string[] {
  const token = stream.next();
  if (token.kind === "quotedIdentifier") return token.text.split(".");
  let text = token.text;
  let end = token.end;
  while (stream.isSymbol("-") && stream.peek().start === end && stream.peek(1).start === end + 1) {
    const part = stream.peek(1);
    if (part.kind !== "identifier" && part.kind !== "integer") break;
    stream.next();
    stream.next();
    text += `-${part.text}`;
    end = part.end;
  }
  return [text];
}
