import type { Expression, Name, Query } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { parseExpression } from "./expressions.ts";
import { isQueryStart, parseQuery } from "./queries.ts";
import { parseAlias, parseTablePath } from "./sources.ts";
import { changingWord } from "./statement.ts";
import { TokenStream } from "./stream.ts";

type Target = { path: readonly string[]; at: number };

/** A statement that changes one table. */
export type ChangeTree =
  | { kind: "insert"; target: Target; columns: readonly Name[] | undefined; source: Query | readonly ValueRow[] }
  | { kind: "update"; target: Target; alias?: Name; assignments: readonly Assignment[]; where: Expression }
  | { kind: "delete"; target: Target; alias?: Name; where: Expression }
  | { kind: "truncate"; target: Target }
  | { kind: "drop"; target: Target; ifExists: boolean }
  | { kind: "create"; target: Target; replace: boolean; query: Query };

export type ValueRow = { values: readonly Expression[]; at: number };
export type Assignment = { column: Name; value: Expression };

const known =
  "this warehouse has INSERT, UPDATE, DELETE, TRUNCATE TABLE, DROP TABLE and CREATE [OR REPLACE] TABLE ... AS SELECT";

/** Reads a statement that changes a table. @throws {StatementFault} notImplemented for one of a kind that the warehouse lacks */
export function parseChange(statement: string): ChangeTree {
  const stream = new TokenStream(statement);
  const tree = parseKind(stream);
  if (stream.acceptSymbol(";") && stream.peek().kind !== "end") {
    throw new StatementFault("Scripts of several statements are not supported by this warehouse", stream.peek().start);
  }
  if (stream.peek().kind !== "end") throw stream.unexpected("end of input");
  return tree;
}

function parseKind(stream: TokenStream): ChangeTree {
  const { start } = stream.peek();
  if (stream.acceptWord("INSERT")) return parseInsert(stream);
  if (stream.acceptWord("UPDATE")) return parseUpdate(stream, start);
  if (stream.acceptWord("DELETE")) return parseDelete(stream, start);
  if (stream.acceptWord("TRUNCATE", "TABLE")) return { kind: "truncate", target: parseTarget(stream) };
  if (stream.acceptWord("DROP", "TABLE")) {
    const ifExists = stream.acceptWord("IF", "EXISTS");
    return { kind: "drop", target: parseTarget(stream), ifExists };
  }
  const isCreate = stream.isWord("CREATE", "TABLE") || stream.isWord("CREATE", "OR", "REPLACE", "TABLE");
  if (isCreate) return parseCreate(stream);
  const word = changingWord(stream);
  if (word === undefined) throw stream.unexpected();
  throw new StatementFault(
    `${word} is not supported by this warehouse as it stands here: ${known}`,
    start,
    "notImplemented",
  );
}

function parseTarget(stream: TokenStream): Target {
  const at = stream.peek().start;
  return { path: parseTablePath(stream), at };
}

function parseInsert(stream: TokenStream): ChangeTree {
  stream.acceptWord("INTO");
  const target = parseTarget(stream);
  const hasColumns = stream.isSymbol("(") && !isQueryStart(stream);
  const columns = hasColumns ? stream.parenthesized(() => stream.list(() => stream.expectName())) : undefined;
  if (!stream.acceptWord("VALUES")) {
    if (!isQueryStart(stream)) throw stream.unexpected("keyword VALUES or a query");
    return { kind: "insert", target, columns, source: parseQuery(stream) };
  }
  const source = stream.list(() => {
    const at = stream.peek().start;
    return { values: stream.parenthesized(() => stream.list(() => parseExpression(stream))), at };
  });
  return { kind: "insert", target, columns, source };
}

function parseUpdate(stream: TokenStream, at: number): ChangeTree {
  const target = parseTarget(stream);
  const alias = parseAlias(stream);
  stream.expectWord("SET");
  const assignments = stream.list(() => parseAssignment(stream, alias.alias?.text ?? target.path.at(-1) ?? ""));
  if (stream.isWord("FROM")) throw unsupported("UPDATE with FROM", stream);
  return { kind: "update", target, ...alias, assignments, where: parseWhere(stream, "UPDATE", at) };
}

function parseAssignment(stream: TokenStream, tableName: string): Assignment {
  let column = stream.expectName();
  if (stream.acceptSymbol(".")) {
    if (column.text.toLowerCase() !== tableName.toLowerCase())
      throw unsupported("UPDATE of a field of a STRUCT", stream);
    column = stream.expectMember();
  }
  if (stream.isSymbol(".")) throw unsupported("UPDATE of a field of a STRUCT", stream);
  stream.expectSymbol("=");
  return { column, value: parseExpression(stream) };
}

function parseDelete(stream: TokenStream, at: number): ChangeTree {
  stream.acceptWord("FROM");
  const target = parseTarget(stream);
  const alias = parseAlias(stream);
  return { kind: "delete", target, ...alias, where: parseWhere(stream, "DELETE", at) };
}

function parseWhere(stream: TokenStream, word: string, at: number): Expression {
  if (stream.acceptWord("WHERE")) return parseExpression(stream);
  if (stream.peek().kind !== "end" && !stream.isSymbol(";")) throw stream.unexpected("keyword WHERE");
  throw new StatementFault(`${word} must have a WHERE clause`, at);
}

function parseCreate(stream: TokenStream): ChangeTree {
  stream.expectWord("CREATE");
  const replace = stream.acceptWord("OR", "REPLACE");
  stream.expectWord("TABLE");
  if (stream.isWord("IF")) throw unsupported("CREATE TABLE IF NOT EXISTS", stream);
  const target = parseTarget(stream);
  if (!stream.acceptWord("AS")) {
    throw unsupported("CREATE TABLE with anything but AS and a query behind the name", stream);
  }
  if (!isQueryStart(stream)) throw stream.unexpected("a query");
  return { kind: "create", target, replace, query: parseQuery(stream) };
}

function unsupported(what: string, stream: TokenStream): StatementFault {
  return new StatementFault(`${what} is not supported by this warehouse`, stream.peek().start, "notImplemented");
}
