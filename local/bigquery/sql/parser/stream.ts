import type { Name } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { tokenize } from "../lexer.ts";
import type { Token } from "../lexer.ts";

/** The words that GoogleSQL reserves: none of them is a name unless it stands in backticks or behind a dot. */
const reserved: ReadonlySet<string> = new Set(
  (
    "ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE CURRENT " +
    "DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM " +
    "FULL GROUP GROUPING GROUPS HASH HAVING IF IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE " +
    "LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY " +
    "RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION " +
    "UNNEST USING WHEN WHERE WINDOW WITH WITHIN"
  ).split(" "),
);

/** Deeper nesting is refused: it would otherwise end in a stack overflow, ours or DuckDB's. */
const maxDepth = 150;

/** The tokens of one statement and the place that the parser has reached in them. */
export class TokenStream {
  /** How many positional parameters have been read. */
  positionalCount = 0;
  readonly #tokens: Token[];
  #position = 0;
  #depth = 0;

  constructor(statement: string) {
    this.#tokens = tokenize(statement);
  }

  /** The token `ahead` places from here; beyond the last one, the last one. */
  peek(ahead = 0): Token {
    const token = this.#tokens[this.#position + ahead] ?? this.#tokens.at(-1);
    if (!token) throw new StatementFault("Syntax error: Unexpected end of statement", 0);
    return token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== "end") this.#position++;
    return token;
  }

  /** Whether the tokens from here on are these words, in any case and not in backticks. */
  isWord(...words: readonly string[]): boolean {
    return words.every((word, ahead) => {
      const token = this.peek(ahead);
      return token.kind === "identifier" && token.text.toUpperCase() === word;
    });
  }

  isSymbol(symbol: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === "symbol" && token.text === symbol;
  }

  acceptWord(...words: readonly string[]): boolean {
    const isThere = this.isWord(...words);
    if (isThere) this.#position += words.length;
    return isThere;
  }

  acceptSymbol(symbol: string): boolean {
    const isThere = this.isSymbol(symbol);
    if (isThere) this.#position++;
    return isThere;
  }

  /** Where the two-character symbol `symbol` stands: takes its first half, leaves `rest` as the token that is here. */
  splitSymbol(symbol: string, rest: string): boolean {
    if (!this.isSymbol(symbol)) return false;
    const token = this.peek();
    this.#tokens[this.#position] = { kind: "symbol", text: rest, start: token.start + 1, end: token.end };
    return true;
  }

  expectWord(...words: readonly string[]): void {
    for (const word of words) if (!this.acceptWord(word)) throw this.unexpected(`keyword ${word}`);
  }

  expectSymbol(symbol: string): void {
    if (!this.acceptSymbol(symbol)) throw this.unexpected(JSON.stringify(symbol));
  }

  /** Whether the token `ahead` places from here is a name: an identifier that is not reserved, or one in backticks. */
  isName(ahead = 0): boolean {
    const token = this.peek(ahead);
    return (
      token.kind === "quotedIdentifier" || (token.kind === "identifier" && !reserved.has(token.text.toUpperCase()))
    );
  }

  expectName(): Name {
    if (!this.isName()) throw this.unexpected("identifier");
    const token = this.next();
    return { text: token.text, at: token.start };
  }

  /** A name behind a dot, where reserved words are names too. */
  expectMember(): Name {
    const token = this.peek();
    if (token.kind !== "identifier" && token.kind !== "quotedIdentifier") throw this.unexpected("identifier");
    this.next();
    return { text: token.text, at: token.start };
  }

  /** The syntax error for the token that is here; `wanted` says what would have been right. */
  unexpected(wanted?: string): StatementFault {
    const token = this.peek();
    const what = describe(token);
    const message = wanted ? `Expected ${wanted} but got ${what}` : `Unexpected ${what}`;
    return new StatementFault(`Syntax error: ${message}`, token.start);
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= maxDepth) {
      throw new StatementFault("Query is too complex: expressions are nested too deeply", this.peek().start);
    }
    this.#depth++;
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  /** One or more of what `parse` reads, with commas between them. */
  list<T>(parse: () => T): [T, ...T[]] {
    const items: [T, ...T[]] = [parse()];
    while (this.acceptSymbol(",")) items.push(parse());
    return items;
  }

  parenthesized<T>(parse: () => T): T {
    this.expectSymbol("(");
    const parsed = this.nested(parse);
    this.expectSymbol(")");
    return parsed;
  }
}

function describe(token: Token): string {
  switch (token.kind) {
    case "end":
      return "end of statement";
    case "identifier":
      return reserved.has(token.text.toUpperCase())
        ? `keyword ${token.text.toUpperCase()}`
        : `identifier ${JSON.stringify(token.text)}`;
    case "quotedIdentifier":
      return `identifier \`${token.text}\``;
    case "string":
      return `string literal ${JSON.stringify(token.text)}`;
    case "bytes":
      return "bytes literal";
    case "integer":
      return `integer literal ${JSON.stringify(token.text)}`;
    case "float":
      return `floating point literal ${JSON.stringify(token.text)}`;
    case "parameter":
      return `"@${token.text}"`;
    case "symbol":
      return JSON.stringify(token.text);
  }
}
