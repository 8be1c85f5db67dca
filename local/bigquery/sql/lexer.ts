import { StatementFault } from "./errors.ts";
import { toByteCharacters, unescapeLiteral } from "./literals.ts";

export type TokenKind =
  | "identifier"
  | "quotedIdentifier"
  | "string"
  | "bytes"
  | "integer"
  | "float"
  | "parameter"
  | "symbol"
  | "end";

/**
 * One lexical element. `text` is its value: a decoded literal, a name without its backticks, a parameter without its
 * `@`. BYTES have one character a byte. `start` and `end` are UTF-16 offsets into the statement.
 */
export type Token = { kind: TokenKind; text: string; start: number; end: number };

const longSymbols: ReadonlySet<string> = new Set(["||", "<=", ">=", "!=", "<>", "<<", ">>", "=>", "|>"]);
const symbols = "()[],.;+-*/~&|^<>=?:@";
const stringStart = /(?:[rR]?[bB]?|[bB][rR])("""|'''|"|')/y;
const identifierStart = /[A-Za-z_][A-Za-z0-9_]*/y;
const floatStart = /(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+/y;
const integerStart = /0[xX][0-9a-fA-F]+|[0-9]+/y;
const blank = /(?:\s|--[^\n\r]*|#[^\n\r]*|\/\*(?:[^*]|\*(?!\/))*\*\/)+/y;

/** Splits a statement into tokens, the last of which is `end`. */
export function tokenize(statement: string): Token[] {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    position = matchAt(blank, statement, position)?.end ?? position;
    if (position >= statement.length) break;
    const token = readToken(statement, position, tokens.at(-1));
    tokens.push(token);
    position = token.end;
  }
  tokens.push({ kind: "end", text: "", start: statement.length, end: statement.length });
  return tokens;
}

function matchAt(pattern: RegExp, text: string, start: number): { match: RegExpExecArray; end: number } | undefined {
  pattern.lastIndex = start;
  const match = pattern.exec(text);
  return match ? { match, end: pattern.lastIndex } : undefined;
}

function readToken(statement: string, start: number, previous: Token | undefined): Token {
  const quote = matchAt(stringStart, statement, start);
  if (quote) return readString(statement, start, quote.end, quote.match[1] ?? "");
  const name = matchAt(identifierStart, statement, start);
  if (name) return { kind: "identifier", text: name.match[0], start, end: name.end };
  if (statement[start] === "`") return readQuotedIdentifier(statement, start);
  if (statement[start] === "@") return readParameter(statement, start);
  // Behind a name's dot a digit begins a name or nothing, so that `t.1` is never read as `t` and `.1`.
  if (!(previous?.text === "." && previous.kind === "symbol")) {
    const number = readNumber(statement, start, previous);
    if (number) return number;
  }
  const two = statement.slice(start, start + 2);
  if (two === "/*") throw new StatementFault("Syntax error: Unclosed comment", start);
  if (longSymbols.has(two)) return { kind: "symbol", text: two, start, end: start + 2 };
  const one = statement[start] ?? "";
  if (symbols.includes(one)) return { kind: "symbol", text: one, start, end: start + 1 };
  throw new StatementFault(`Syntax error: Illegal input character ${JSON.stringify(one)}`, start);
}

function readNumber(statement: string, start: number, previous: Token | undefined): Token | undefined {
  const followsName =
    previous?.kind === "identifier" || previous?.kind === "quotedIdentifier" || previous?.text === ")";
  if (statement[start] === "." && followsName) return undefined;
  const float = matchAt(floatStart, statement, start);
  const found = float ?? matchAt(integerStart, statement, start);
  if (!found) return undefined;
  if (matchAt(identifierStart, statement, found.end)) {
    throw new StatementFault("Syntax error: Missing whitespace between literal and alias", found.end);
  }
  return { kind: float ? "float" : "integer", text: found.match[0], start, end: found.end };
}

function readString(statement: string, start: number, bodyStart: number, quote: string): Token {
  const prefix = statement.slice(start, bodyStart - quote.length).toLowerCase();
  const what = prefix.includes("b") ? "bytes" : "string";
  const isTriple = quote.length === 3;
  for (let position = bodyStart; position < statement.length; position++) {
    const character = statement[position];
    if (character === "\\") position++;
    else if (!isTriple && (character === "\n" || character === "\r")) break;
    else if (statement.startsWith(quote, position)) {
      const raw = statement.slice(bodyStart, position);
      const body = isTriple ? raw.replaceAll(/\r\n?/g, "\n") : raw;
      return { kind: what, text: decodeBody(body, prefix, bodyStart), start, end: position + quote.length };
    }
  }
  throw new StatementFault(`Syntax error: Unclosed ${isTriple ? "triple-quoted " : ""}${what} literal`, start);
}

function decodeBody(body: string, prefix: string, offset: number): string {
  const isBytes = prefix.includes("b");
  if (prefix.includes("r")) return isBytes ? toByteCharacters(body) : body;
  return unescapeLiteral(body, isBytes ? "BYTES" : "STRING", offset);
}

function readQuotedIdentifier(statement: string, start: number): Token {
  for (let position = start + 1; position < statement.length; position++) {
    const character = statement[position];
    if (character === "\\") position++;
    else if (character === "\n" || character === "\r") break;
    else if (character === "`") {
      const text = unescapeLiteral(statement.slice(start + 1, position), "STRING", start + 1);
      if (text === "") throw new StatementFault("Syntax error: Invalid empty identifier", start);
      return { kind: "quotedIdentifier", text, start, end: position + 1 };
    }
  }
  throw new StatementFault("Syntax error: Unclosed identifier literal", start);
}

function readParameter(statement: string, start: number): Token {
  const name = matchAt(identifierStart, statement, start + 1);
  if (name) return { kind: "parameter", text: name.match[0], start, end: name.end };
  if (statement[start + 1] === "`") return { ...readQuotedIdentifier(statement, start + 1), kind: "parameter", start };
  throw new StatementFault('Syntax error: Unexpected "@"', start);
}
