import type { Expression, Literal, Name, SqlType } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseCall } from "./calls.ts";
import { parseExpression } from "./expressions.ts";
import { isQueryStart, parseQuery } from "./queries.ts";
import type { TokenStream } from "./stream.ts";
import { parseType } from "./types.ts";

/** Literals of the form `DATE '2024-05-15'`. */
const typedLiterals = ["DATE", "DATETIME", "TIMESTAMP", "NUMERIC", "DECIMAL", "JSON"] as const;

/** Functions whose parentheses may be left out. */
const bareCalls: ReadonlySet<string> = new Set(["CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_DATETIME"]);

/** Reserved words that are also names of functions. */
const reservedCalls: ReadonlySet<string> = new Set(["IF", "LEFT", "RIGHT"]);

/** Reads an expression that no operator divides: a literal, a name, a call, a constructor, a subquery. */
export function parsePrimary(stream: TokenStream): Expression {
  const token = stream.peek();
  const at = token.start;
  switch (token.kind) {
    case "integer":
      stream.next();
      return { kind: "literal", type: "INT64", text: token.text, at };
    case "float":
      stream.next();
      return { kind: "literal", type: "FLOAT64", text: token.text, at };
    case "string":
      stream.next();
      return { kind: "literal", type: "STRING", text: token.text, at };
    case "bytes":
      stream.next();
      return { kind: "literal", type: "BYTES", text: token.text, at };
    case "parameter":
      stream.next();
      return { kind: "parameter", name: token.text, index: -1, at };
    case "symbol":
      return parseSymbol(stream);
    case "quotedIdentifier":
      return parseNamed(stream);
    case "identifier":
      return parseWord(stream);
    case "end":
      throw stream.unexpected();
  }
}

function parseSymbol(stream: TokenStream): Expression {
  const at = stream.peek().start;
  if (stream.acceptSymbol("?")) return { kind: "parameter", index: stream.positionalCount++, at };
  if (stream.isSymbol("[")) return parseArray(stream, at);
  if (!stream.isSymbol("(")) throw stream.unexpected();
  return stream.parenthesized(() => {
    if (isQueryStart(stream)) return { kind: "scalarQuery", query: parseQuery(stream), at };
    const value = parseExpression(stream);
    if (stream.isSymbol(",")) {
      throw new StatementFault(
        "Structs without field names are not supported by this warehouse: use STRUCT(x AS name)",
        at,
      );
    }
    return value;
  });
}

function parseWord(stream: TokenStream): Expression {
  const token = stream.peek();
  const at = token.start;
  const isTyped = stream.peek(1).kind === "string" && typedLiterals.some((word) => stream.isWord(word));
  if (isTyped) return parseTypedLiteral(stream);
  switch (token.text.toUpperCase()) {
    case "NULL":
      stream.next();
      return { kind: "literal", type: "NULL", text: "NULL", at };
    case "TRUE":
    case "FALSE":
      stream.next();
      return { kind: "literal", type: "BOOL", text: token.text.toUpperCase(), at };
    case "CASE":
      stream.next();
      return stream.nested(() => parseCase(stream, at));
    case "CAST":
    case "SAFE_CAST":
      return parseCast(stream);
    case "EXTRACT":
      return parseExtract(stream);
    case "INTERVAL":
      return parseInterval(stream);
    case "EXISTS":
      stream.next();
      return { kind: "exists", query: stream.parenthesized(() => parseQuery(stream)), at };
    case "ARRAY":
      return parseArray(stream, at);
    case "STRUCT":
      return parseStruct(stream);
    default:
      return parseNamed(stream);
  }
}

function parseNamed(stream: TokenStream): Expression {
  const token = stream.peek();
  const word = token.kind === "identifier" ? token.text.toUpperCase() : "";
  const isCall = stream.isSymbol("(", 1);
  if (isCall && (stream.isName() || reservedCalls.has(word))) {
    stream.next();
    return parseCall(stream, { text: token.text, at: token.start }, false);
  }
  if (stream.isSymbol(".", 1) && stream.isSymbol("(", 3) && stream.isName()) return parseQualifiedCall(stream);
  const name = stream.isName() ? stream.expectName() : undefined;
  if (!name) throw stream.unexpected();
  if (bareCalls.has(word) && !stream.isSymbol(".")) return emptyCall(name);
  return { kind: "path", names: [name], at: name.at };
}

function parseQualifiedCall(stream: TokenStream): Expression {
  const space = stream.expectName();
  stream.expectSymbol(".");
  const name = stream.expectMember();
  if (space.text.toUpperCase() !== "SAFE") {
    throw new StatementFault(`Function not found: ${space.text}.${name.text}`, space.at);
  }
  return parseCall(stream, { text: name.text, at: space.at }, true);
}

function emptyCall(name: Name): Expression {
  const upper = name.text.toUpperCase();
  return {
    kind: "call",
    name: upper,
    safe: false,
    arguments: [],
    star: false,
    distinct: false,
    orderBy: [],
    at: name.at,
  };
}

function parseTypedLiteral(stream: TokenStream): Literal {
  const token = stream.next();
  const word = token.text.toUpperCase() as (typeof typedLiterals)[number];
  return { kind: "literal", type: word === "DECIMAL" ? "NUMERIC" : word, text: stream.next().text, at: token.start };
}

function parseCase(stream: TokenStream, at: number): Expression {
  const operand = stream.isWord("WHEN") ? undefined : parseExpression(stream);
  const branches: { when: Expression; result: Expression }[] = [];
  while (stream.acceptWord("WHEN")) {
    const when = parseExpression(stream);
    stream.expectWord("THEN");
    branches.push({ when, result: parseExpression(stream) });
  }
  if (branches.length === 0) throw stream.unexpected("keyword WHEN");
  const otherwise = stream.acceptWord("ELSE") ? parseExpression(stream) : undefined;
  stream.expectWord("END");
  return { kind: "case", branches, at, ...(operand && { operand }), ...(otherwise && { otherwise }) };
}

function parseCast(stream: TokenStream): Expression {
  const token = stream.next();
  return stream.parenthesized(() => {
    const operand = parseExpression(stream);
    stream.expectWord("AS");
    const type = parseType(stream);
    if (stream.isWord("FORMAT")) {
      throw new StatementFault("CAST with FORMAT is not supported by this warehouse", stream.peek().start);
    }
    return { kind: "cast", operand, type, safe: token.text.toUpperCase() === "SAFE_CAST", at: token.start };
  });
}

function parseExtract(stream: TokenStream): Expression {
  const at = stream.next().start;
  return stream.parenthesized(() => {
    const part = parseExpression(stream);
    stream.expectWord("FROM");
    const operand = parseExpression(stream);
    const zone = stream.acceptWord("AT", "TIME", "ZONE") ? parseExpression(stream) : undefined;
    return { kind: "extract", part, operand, at, ...(zone && { zone }) };
  });
}

function parseInterval(stream: TokenStream): Expression {
  const at = stream.next().start;
  const value = parseExpression(stream);
  const unit = stream.expectName();
  if (stream.isWord("TO")) throw new StatementFault("INTERVAL ranges are not supported by this warehouse", at);
  return { kind: "interval", value, unit, at };
}

function parseArray(stream: TokenStream, at: number): Expression {
  let element: SqlType | undefined;
  if (stream.isWord("ARRAY") && stream.isSymbol("(", 1)) {
    stream.next();
    return { kind: "arrayQuery", query: stream.parenthesized(() => parseQuery(stream)), at };
  }
  if (stream.isWord("ARRAY") && stream.isSymbol("<", 1)) {
    const type = parseType(stream);
    if (type.kind === "ARRAY") element = type.element;
  } else {
    stream.acceptWord("ARRAY");
  }
  stream.expectSymbol("[");
  const elements = stream.isSymbol("]") ? [] : stream.nested(() => stream.list(() => parseExpression(stream)));
  stream.expectSymbol("]");
  return { kind: "array", elements, at, ...(element && { element }) };
}

function parseStruct(stream: TokenStream): Expression {
  const at = stream.peek().start;
  const type = stream.isSymbol("<", 1) ? parseType(stream) : undefined;
  if (!type) stream.next();
  const fields = stream.parenthesized(() =>
    stream.list(() => {
      const value = parseExpression(stream);
      const alias = stream.acceptWord("AS") ? stream.expectName().text : undefined;
      const name = alias ?? impliedName(value);
      return { value, ...(name !== undefined && { name }) };
    }),
  );
  return { kind: "struct", fields, at, ...(type && { type }) };
}

/** The name that a column or field takes from its expression where no alias gives one. */
export function impliedName(value: Expression): string | undefined {
  if (value.kind === "path") return value.names.at(-1)?.text;
  return value.kind === "field" ? value.name.text : undefined;
}
