import type { BinaryOperator, Expression, Name, SubscriptMode } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parsePrimary } from "./primaries.ts";
import { isQueryStart, parseQuery } from "./queries.ts";
import type { TokenStream } from "./stream.ts";

/** Longer chains of operators are refused: each link is one level of the tree, and DuckDB takes 1,000 levels. */
const maxChain = 400;

const orPower = 1;
const andPower = 2;
const comparisonPower = 4;

/** Binding powers above comparison, from GoogleSQL's table of operator precedence. */
const symbolPowers: Readonly<Record<string, number>> = {
  "|": 5,
  "^": 6,
  "&": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "||": 10,
};

const comparisons: Readonly<Record<string, BinaryOperator>> = {
  "=": "=",
  "!=": "!=",
  "<>": "!=",
  "<": "<",
  "<=": "<=",
  ">": ">",
  ">=": ">=",
};

const subscriptModes: ReadonlySet<string> = new Set(["OFFSET", "SAFE_OFFSET", "ORDINAL", "SAFE_ORDINAL"]);

/** Reads one expression with every operator in it. */
export function parseExpression(stream: TokenStream): Expression {
  return stream.nested(() => parseOperators(stream, orPower));
}

function parseOperators(stream: TokenStream, minimum: number): Expression {
  let left = parsePrefix(stream, minimum);
  for (let length = 0; ; length++) {
    const extended = parseInfix(stream, left, minimum);
    if (!extended) return left;
    if (length >= maxChain) throw new StatementFault("Query is too complex: too many operators in a row", extended.at);
    left = extended;
  }
}

function parsePrefix(stream: TokenStream, minimum: number): Expression {
  const at = stream.peek().start;
  if (minimum <= andPower + 1 && stream.acceptWord("NOT")) {
    const operand = stream.nested(() => parseOperators(stream, andPower + 1));
    return { kind: "unary", operator: "NOT", operand, at };
  }
  return parseUnary(stream);
}

function parseUnary(stream: TokenStream): Expression {
  const at = stream.peek().start;
  for (const operator of ["-", "+", "~"] as const) {
    if (!stream.acceptSymbol(operator)) continue;
    const operand = stream.nested(() => parseUnary(stream));
    return { kind: "unary", operator, operand, at };
  }
  return parsePostfix(stream);
}

/** The expression that `left` begins together with the operator that stands here, or undefined where none does. */
function parseInfix(stream: TokenStream, left: Expression, minimum: number): Expression | undefined {
  const token = stream.peek();
  const at = token.start;
  const binary = (operator: BinaryOperator, power: number): Expression => {
    stream.next();
    const right = stream.nested(() => parseOperators(stream, power + 1));
    return { kind: "binary", operator, left, right, at };
  };
  if (minimum <= orPower && stream.isWord("OR")) return binary("OR", orPower);
  if (minimum <= andPower && stream.isWord("AND")) return binary("AND", andPower);
  if (minimum <= comparisonPower) {
    const comparison = parseComparison(stream, left);
    if (comparison) return comparison;
  }
  if (token.kind !== "symbol") return undefined;
  const power = Object.hasOwn(symbolPowers, token.text) ? symbolPowers[token.text] : undefined;
  return power !== undefined && minimum <= power ? binary(token.text as BinaryOperator, power) : undefined;
}

/** Comparisons do not associate: `a = b = c` is a syntax error, and so is `a IN (1) IN (2)`. */
function parseComparison(stream: TokenStream, left: Expression): Expression | undefined {
  const compared = parseOneComparison(stream, left);
  if (!compared) return undefined;
  const token = stream.peek();
  const isChained =
    (token.kind === "symbol" && Object.hasOwn(comparisons, token.text)) ||
    ["LIKE", "IN", "BETWEEN", "IS"].some((word) => stream.isWord(word) || stream.isWord("NOT", word));
  if (isChained) throw stream.unexpected();
  return compared;
}

function parseOneComparison(stream: TokenStream, left: Expression): Expression | undefined {
  const token = stream.peek();
  const at = token.start;
  const operand = (): Expression => stream.nested(() => parseOperators(stream, comparisonPower + 1));
  if (token.kind === "symbol") {
    const operator = Object.hasOwn(comparisons, token.text) ? comparisons[token.text] : undefined;
    if (!operator) return undefined;
    stream.next();
    return { kind: "binary", operator, left, right: operand(), at };
  }
  if (stream.acceptWord("IS")) return parseIs(stream, left, operand);
  const negated = ["LIKE", "IN", "BETWEEN"].some((word) => stream.isWord("NOT", word));
  if (negated) stream.next();
  if (stream.acceptWord("LIKE")) {
    if (["ANY", "SOME", "ALL"].some((word) => stream.isWord(word))) {
      throw new StatementFault("LIKE with ANY, SOME or ALL is not supported by this warehouse", at);
    }
    return { kind: "like", operand: left, pattern: operand(), negated, at };
  }
  if (stream.acceptWord("BETWEEN")) {
    const low = operand();
    stream.expectWord("AND");
    return { kind: "between", operand: left, low, high: operand(), negated, at };
  }
  return stream.acceptWord("IN") ? parseIn(stream, left, negated, at) : undefined;
}

function parseIs(stream: TokenStream, left: Expression, operand: () => Expression): Expression {
  const negated = stream.acceptWord("NOT");
  const at = left.at;
  if (stream.acceptWord("DISTINCT", "FROM")) {
    // IS NOT DISTINCT FROM says that the two are the same.
    return { kind: "distinctFrom", left, right: operand(), negated, at };
  }
  for (const test of ["NULL", "TRUE", "FALSE"] as const) {
    if (stream.acceptWord(test)) return { kind: "is", operand: left, test, negated, at };
  }
  throw stream.unexpected();
}

function parseIn(stream: TokenStream, operand: Expression, negated: boolean, at: number): Expression {
  if (stream.acceptWord("UNNEST")) {
    const array = stream.parenthesized(() => parseExpression(stream));
    return { kind: "inUnnest", operand, array, negated, at };
  }
  return stream.parenthesized(() => {
    if (isQueryStart(stream)) return { kind: "inQuery", operand, query: parseQuery(stream), negated, at };
    return { kind: "inList", operand, list: stream.list(() => parseExpression(stream)), negated, at };
  });
}

function parsePostfix(stream: TokenStream): Expression {
  let operand = parsePrimary(stream);
  for (let length = 0; length < maxChain; length++) {
    const at = stream.peek().start;
    if (stream.acceptSymbol(".")) {
      if (stream.isSymbol("*")) throw new StatementFault("Dot-star is only supported in SELECT lists", at);
      const name = stream.expectMember();
      operand = extendPath(operand, name) ?? { kind: "field", operand, name, at };
    } else if (stream.acceptSymbol("[")) {
      operand = parseSubscript(stream, operand, at);
    } else {
      return operand;
    }
  }
  throw new StatementFault("Query is too complex: too many field accesses in a row", operand.at);
}

function extendPath(operand: Expression, name: Name): Expression | undefined {
  return operand.kind === "path" ? { ...operand, names: [...operand.names, name] } : undefined;
}

function parseSubscript(stream: TokenStream, operand: Expression, at: number): Expression {
  const token = stream.peek();
  const word = token.text.toUpperCase();
  let mode: SubscriptMode = "PLAIN";
  let index: Expression;
  if (token.kind === "identifier" && subscriptModes.has(word) && stream.isSymbol("(", 1)) {
    stream.next();
    mode = word as SubscriptMode;
    index = stream.parenthesized(() => parseExpression(stream));
  } else {
    index = parseExpression(stream);
  }
  stream.expectSymbol("]");
  return { kind: "subscript", operand, index, mode, at };
}
