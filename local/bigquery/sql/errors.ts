/** The reasons of BigQuery's REST error objects that a query can end with. */
export type QueryErrorReason = "invalidQuery" | "notFound" | "accessDenied" | "invalid" | "notImplemented";

/**
 * A statement that is not answered, in BigQuery's words. `message` is what the user reads; `location` is what BigQuery
 * puts into the `location` field of its error object: "query", or a place such as "2:14".
 */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly reason: QueryErrorReason;
  readonly location?: string;

  constructor(reason: QueryErrorReason, message: string, options?: { location?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    if (options?.location !== undefined) this.location = options.location;
  }
}

/**
 * Refuses a result with two columns of one name, as BigQuery does. The translator sees names that a statement spells
 * out; those that come from a star are known only when DuckDB has bound the statement.
 */
export function checkColumnNames(names: readonly string[]): void {
  const seen = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (seen.has(lower)) {
      const message = `Duplicate column names in the result are not supported. Found duplicate(s): ${name}`;
      throw new QueryError("invalidQuery", message, { location: "query" });
    }
    seen.add(lower);
  }
}

/** What the lexer, the parser and the printer throw: they know an offset, and only `translate` knows lines and columns. */
export class StatementFault extends Error {
  override readonly name = "StatementFault";
  readonly reason: QueryErrorReason;
  /** UTF-16 offset into the statement; undefined where a position would say nothing. */
  readonly offset: number | undefined;

  constructor(message: string, offset?: number, reason: QueryErrorReason = "invalidQuery") {
    super(message);
    this.offset = offset;
    this.reason = reason;
  }
}

/** The error that a user sees: BigQuery appends the place as ` at [line:column]`, both counted from 1. */
export function locate(fault: StatementFault, statement: string): QueryError {
  if (fault.offset === undefined)
    return new QueryError(fault.reason, fault.message, { location: "query", cause: fault });
  const before = statement.slice(0, fault.offset).split(/\r\n|\r|\n/);
  const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  return new QueryError(fault.reason, `${fault.message} at [${place}]`, { location: place, cause: fault });
}
