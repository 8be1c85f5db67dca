import type { Datasets } from "@indelible/schemas/names.ts";
import type { TableRetention } from "./survey.ts";

/** Where the tables are. */
export interface Place {
  readonly project: string;
  /** On this machine. */
  readonly local: boolean;
  readonly datasets: Datasets;
}

/** What is to be done about a table, in a sentence with its command; undefined: nothing. */
export function remedyFor(
  { table, state, declaredDays }: TableRetention,
  { project, local, datasets: { raw } }: Place,
): string | undefined {
  const statement = `ALTER TABLE ${raw}.${table} SET OPTIONS (partition_expiration_days = ${declaredDays})`;
  const declare = `bq query --project_id ${project} --use_legacy_sql=false "${statement}"`;
  switch (state) {
    case "ok":
      return undefined;
    case "shorter":
      return local
        ? "Start `indelible dev` again, which lengthens it. What is gone stays gone: `indelible verify` names it."
        : `Lengthen it: ${declare}\nWhat is gone stays gone: \`indelible verify\` names it.`;
    case "longer":
    case "never":
      return `It stays so until somebody shortens it, which deletes what is older at once${local ? " (docs/retention.md)." : `: ${declare}`}`;
    case "missing":
      return local
        ? "Start `indelible dev` again, which creates it, empty. What was sealed in it is missing: `indelible verify` names it."
        : "Provision it again, which creates it, empty. What was sealed in it is missing: `indelible verify` names it.";
    case "unknown":
      return local
        ? "Days are reckoned by the declaration. Ask as an auditor: unset INDELIBLE_WAREHOUSE_TOKEN, or set it to the auditor's."
        : `Days are reckoned by the declaration. Ask with an account that has bigquery.tables.get on ${raw}.`;
  }
}
