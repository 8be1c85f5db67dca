import { IndelibleError } from "@indelible/schemas/errors.ts";

const FORBIDDEN = 403;
const NOT_FOUND = 404;

/** The failure of a question to BigQuery in our words: ERR_ACCESS_DENIED, or ERR_READ. */
export function bigQueryError(cause: unknown): IndelibleError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = httpCodeOf(cause);
  if (code === FORBIDDEN) return new IndelibleError("ERR_ACCESS_DENIED", message, { cause });
  if (code !== NOT_FOUND) return new IndelibleError("ERR_READ", message, { cause });
  const hint = "An earlier version has provisioned this warehouse: provision it again, which adds the tables.";
  return new IndelibleError("ERR_READ", message, { cause, hint });
}

/** Whether what was asked for is not there. */
export function isNotFound(cause: unknown): boolean {
  return httpCodeOf(cause) === NOT_FOUND;
}

function httpCodeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
