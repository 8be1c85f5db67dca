import type { TableName } from "@indelible/schemas/tables.ts";
import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { remedyFor } from "./remedy.ts";
import { expiringBefore, isShort, retentionOf } from "./survey.ts";
import { partitionsText, surveyText } from "./text.ts";

export interface RetentionFlags {
  /** Milliseconds. Default: 30 days; of one table, all days. */
  readonly within?: number;
  readonly json?: true;
  readonly data: string;
}

/** Prints what expires when. Resolves to the exit code: 1 when a table keeps less than declared. Throws what `retentionOf` throws. */
export async function runRetention(table: TableName | undefined, flags: RetentionFlags): Promise<0 | 1> {
  // What tables keep stands in their metadata, which readers of the views do not see.
  const place = await openWarehouse(flags.data, "auditor");
  const reader = await openWarehouse(flags.data);
  const scope = { withinMs: flags.within, ...(table !== undefined && { tables: [table] }) };
  const survey = await retentionOf({ reader, auditor: place }, scope);
  const asTable = process.stdout.isTTY && flags.json !== true;
  const width = process.stdout.columns;
  const withRemedies = survey.tables.map((of) => ({ ...of, remedy: remedyFor(of, place) ?? null }));
  const [only] = withRemedies;
  if (table !== undefined && only !== undefined) {
    const untilMs = Date.parse(survey.now) + (flags.within ?? 0);
    const partitions = flags.within === undefined ? only.partitions : expiringBefore(only.partitions, untilMs);
    process.stdout.write(
      asTable
        ? partitionsText(only, partitions, survey.now, place, width)
        : jsonText({ now: survey.now, ...only, partitions }),
    );
  } else if (asTable) process.stdout.write(surveyText(survey, place, width));
  else {
    const tables = withRemedies.map(({ partitions: _days, ...of }) => of);
    process.stdout.write(jsonText({ ...survey, tables }));
  }
  return survey.tables.some(isShort) ? 1 : 0;
}
