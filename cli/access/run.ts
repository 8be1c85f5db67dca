import type { TableName } from "@indelible/schemas/tables.ts";
import { purposeLabels } from "@indelible/schemas/purpose.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse, rowsOf } from "../warehouse.ts";
import { AccessAudit } from "./audit.ts";
import { cutText, moreText, nothingText, readsText } from "./text.ts";

export interface AccessFlags {
  readonly table?: TableName;
  /** Microseconds since 1970. */
  readonly since: number;
  readonly until?: number;
  readonly principal?: string;
  readonly except: readonly string[];
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

/** Prints who read the log. @returns the exit code: 1 when the audit knows nothing at all. @throws ERR_CONFIG, ERR_QUERY, ERR_DEADLINE */
export async function runAccess(flags: AccessFlags): Promise<number> {
  const { table, principal, except, limit } = flags;
  const since = formatTimestamp(flags.since);
  const until = flags.until === undefined ? undefined : formatTimestamp(flags.until);
  const warehouse = await openWarehouse(flags.data);
  const labels = purposeLabels("indelible-access");
  const audit = new AccessAudit(
    warehouse,
    (query) => rowsOf(warehouse, { ...query, labels }),
    () => process.stderr.write(cutText()),
  );
  const reads = await audit.reads({ table, since, until, principal, except, limit: limit + 1 });
  const asTable = process.stdout.isTTY && flags.json !== true;
  const shown = reads.slice(0, limit);
  if (!asTable) process.stdout.write(jsonText(shown));
  if (reads.length > 0) {
    if (asTable) process.stdout.write(readsText(shown, process.stdout.columns));
    if (reads.length > limit) process.stderr.write(moreText(shown));
    return 0;
  }
  const newest = await audit.newest();
  const text = nothingText({ table, since, until, principal, except }, newest);
  (asTable ? process.stdout : process.stderr).write(`${text}\n`);
  return newest === undefined ? 1 : 0;
}
