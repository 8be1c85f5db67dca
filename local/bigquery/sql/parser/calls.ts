import type { Call, Expression, FrameBound, Name, OrderItem, WindowSpecification } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseExpression } from "./expressions.ts";
import type { TokenStream } from "./stream.ts";

/** Reads a call from its opening parenthesis to its OVER clause. */
export function parseCall(stream: TokenStream, name: Name, safe: boolean): Expression {
  const call: Call = {
    kind: "call",
    name: name.text.toUpperCase(),
    safe,
    at: name.at,
    ...stream.parenthesized(() => parseArguments(stream)),
  };
  if (stream.isWord("WITHIN") || stream.isWord("FILTER")) throw stream.unexpected();
  if (!stream.acceptWord("OVER")) return call;
  return { ...call, over: parseOver(stream) };
}

type Arguments = Omit<Call, "kind" | "name" | "safe" | "at" | "over">;

function parseArguments(stream: TokenStream): Arguments {
  if (stream.acceptSymbol("*")) return { arguments: [], star: true, distinct: false, orderBy: [] };
  if (stream.isSymbol(")")) return { arguments: [], star: false, distinct: false, orderBy: [] };
  const distinct = stream.acceptWord("DISTINCT");
  const list = stream.list(() => parseArgument(stream));
  const nulls = stream.acceptWord("IGNORE", "NULLS")
    ? "IGNORE"
    : stream.acceptWord("RESPECT", "NULLS")
      ? "RESPECT"
      : undefined;
  const extreme = parseExtreme(stream);
  const orderBy = parseOrderBy(stream);
  const limit = stream.acceptWord("LIMIT") ? parseExpression(stream) : undefined;
  return {
    arguments: list,
    star: false,
    distinct,
    orderBy,
    ...(nulls && { nulls }),
    ...(extreme && { extreme }),
    ...(limit && { limit }),
  };
}

function parseArgument(stream: TokenStream): Expression {
  if (stream.isSymbol("=>", 1)) {
    throw new StatementFault("Named arguments are not supported by this warehouse", stream.peek().start);
  }
  return parseExpression(stream);
}

function parseExtreme(stream: TokenStream): Call["extreme"] {
  if (!stream.acceptWord("HAVING")) return undefined;
  const isMax = stream.acceptWord("MAX");
  if (!isMax) stream.expectWord("MIN");
  return { function: isMax ? "MAX" : "MIN", by: parseExpression(stream) };
}

/** Reads ORDER BY with its items; no ORDER BY, no items. */
export function parseOrderBy(stream: TokenStream): readonly OrderItem[] {
  if (!stream.acceptWord("ORDER")) return [];
  stream.expectWord("BY");
  return stream.list(() => {
    const value = parseExpression(stream);
    const descending = stream.acceptWord("DESC");
    if (!descending) stream.acceptWord("ASC");
    const nulls = stream.acceptWord("NULLS", "FIRST")
      ? "FIRST"
      : stream.acceptWord("NULLS", "LAST")
        ? "LAST"
        : undefined;
    return { value, descending, at: value.at, ...(nulls && { nulls }) };
  });
}

function parseOver(stream: TokenStream): WindowSpecification {
  if (stream.isName()) {
    const base = stream.expectName();
    return { base, partitionBy: [], orderBy: [], at: base.at };
  }
  return stream.parenthesized(() => parseWindow(stream));
}

/** Reads a window specification, without its parentheses. */
export function parseWindow(stream: TokenStream): WindowSpecification {
  const at = stream.peek().start;
  const base = stream.isName() ? stream.expectName() : undefined;
  const partitionBy = stream.acceptWord("PARTITION", "BY") ? stream.list(() => parseExpression(stream)) : [];
  const orderBy = parseOrderBy(stream);
  const frame = parseFrame(stream);
  return { partitionBy, orderBy, at, ...(base && { base }), ...(frame && { frame }) };
}

function parseFrame(stream: TokenStream): WindowSpecification["frame"] {
  const unit = stream.acceptWord("ROWS") ? "ROWS" : stream.acceptWord("RANGE") ? "RANGE" : undefined;
  if (!unit) return undefined;
  if (!stream.acceptWord("BETWEEN")) return { unit, start: parseBound(stream) };
  const start = parseBound(stream);
  stream.expectWord("AND");
  return { unit, start, end: parseBound(stream) };
}

function parseBound(stream: TokenStream): FrameBound {
  if (stream.acceptWord("CURRENT", "ROW")) return { kind: "currentRow" };
  if (stream.acceptWord("UNBOUNDED", "PRECEDING")) return { kind: "unboundedPreceding" };
  if (stream.acceptWord("UNBOUNDED", "FOLLOWING")) return { kind: "unboundedFollowing" };
  const distance = parseExpression(stream);
  if (stream.acceptWord("PRECEDING")) return { kind: "preceding", distance };
  stream.expectWord("FOLLOWING");
  return { kind: "following", distance };
}
