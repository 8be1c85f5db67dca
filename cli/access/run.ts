import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { purposeLabels } from "@indelible/schemas/purpose.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { bigQueryClient, projectOf } from "../clients.ts";
import { findEnvironment } from "../environment.ts";
import { ask } from "../query/run.ts";
import { timeOf } from "../time-range.ts";
import { AccessAudit } from "./audit.ts";
import { moreText, nothingText, readsText } from "./text.ts";

export interface AccessFlags {
  readonly table?: TableName;
  readonly since: string;
  readonly until?: string;
  readonly principal?: string;
  readonly except: readonly string[];
  readonly limit: number;
  readonly json?: true;
  readonly data: string;
}

/** Prints who read the log. @returns the exit code: 1 when the audit knows nothing at all. @throws ERR_CONFIG, ERR_QUERY, ERR_DEADLINE */
export async function runAccess(flags: AccessFlags): Promise<number> {
  const nowMs = Date.now();
  const { table, principal, except, limit } = flags;
  const sinceMicros = timeOf("--since", flags.since, nowMs);
  const untilMicros = flags.until === undefined ? undefined : timeOf("--until", flags.until, nowMs);
  if (untilMicros !== undefined && untilMicros <= sinceMicros) {
    throw new IndelibleError("ERR_CONFIG", `--until ${flags.until} is not after --since ${flags.since}`, {
      hint: "Give an earlier --since, such as 30d, or a later --until.",
    });
  }
  const since = formatTimestamp(sinceMicros);
  const until = untilMicros === undefined ? undefined : formatTimestamp(untilMicros);
  const { project: named, local } = findEnvironment(flags.data);
  const project = await projectOf(bigQueryClient(named, local), named);
  const labels = purposeLabels("indelible-access");
  const audit = new AccessAudit(project, (query) => ask(project, local, { ...query, labels }));
  const reads = await audit.reads({ table, since, until, principal, except, limit: limit + 1 });
  const asTable = process.stdout.isTTY && flags.json !== true;
  const shown = reads.slice(0, limit);
  if (!asTable) process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n`);
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
