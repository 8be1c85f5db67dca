import type { Query } from "../ast.ts";
import { StatementFault } from "../errors.ts";
import { isQueryStart, parseQuery } from "./queries.ts";
import { TokenStream } from "./stream.ts";

/** First words of the statements that change something, run something or define something. */
const forbidden: ReadonlySet<string> = new Set(
  (
    "INSERT UPDATE DELETE MERGE TRUNCATE CREATE DROP ALTER EXPORT LOAD CALL EXECUTE BEGIN COMMIT ROLLBACK DECLARE SET " +
    "IF LOOP WHILE REPEAT FOR CASE RAISE GRANT REVOKE ASSERT UNDROP RENAME COPY"
  ).split(" "),
);

/** What whoever lacks the permissions for such a statement reads. */
export const appendOnly: string =
  "Access Denied: this warehouse is append-only: it answers queries (SELECT) and nothing else. Rows come in by the " +
  "Storage Write API, and none is changed or deleted";

/** Reads a statement that is one query. Whatever else it is, is refused. */
export function parseStatement(statement: string): Query {
  const stream = new TokenStream(statement);
  if (changingWord(stream) !== undefined) throw new StatementFault(appendOnly, undefined, "accessDenied");
  if (!isQueryStart(stream)) throw stream.unexpected();
  const query = parseQuery(stream);
  if (stream.acceptSymbol(";") && stream.peek().kind !== "end") {
    throw new StatementFault("Scripts of several statements are not supported by this warehouse", stream.peek().start);
  }
  if (stream.peek().kind !== "end") throw stream.unexpected("end of input");
  return query;
}

/** The first word of a statement that is no query but changes, runs or defines something. */
export function changingWord(stream: TokenStream): string | undefined {
  const { kind, text } = stream.peek();
  const word = text.toUpperCase();
  return kind === "identifier" && forbidden.has(word) ? word : undefined;
}
