import type { TableField, TableMetadata } from "@google-cloud/bigquery";
import type { BigQueryField, BigQueryTable } from "@indelible/schemas/bigquery.ts";
import { counted } from "../terminal/table.ts";
import type { Finding } from "./check.ts";
import { addColumnsStatement, dropNotNullStatement, sqlCommand } from "./commands.ts";
import { rebuildSteps } from "./rebuild.ts";
import { commandLine } from "../terminal/shell-word.ts";
import type { Place } from "./topics.ts";

const dayMs = 86_400_000;

/**
 * What a table has otherwise than it is declared. A column that may be empty although it is required is what adding it later leads to, and no fault: the
 * function fills it.
 *
 * @param name as in SQL: `project.dataset.table`
 */
export function driftOf(name: string, declared: BigQueryTable, found: TableMetadata, place: Place): readonly Finding[] {
  const subject = name.split(".").at(-1) ?? name;
  const about = (status: "problem" | "warning", finding: string, fix: string): Finding => ({
    subject,
    status,
    finding,
    fix,
  });
  const { project, local, restart } = place;
  const stored = new Map(fieldsOf(found).map((field) => [field.name ?? "", field]));
  const missing = declared.schema.fields.filter((field) => !stored.has(field.name));
  const findings: Finding[] = [];
  if (missing.length > 0) {
    const finding = `Table ${subject} lacks ${counted(missing.length, "column")}: ${missing.map((field) => field.name).join(", ")}. Events that use them wait, or are refused.`;
    findings.push(about("problem", finding, local ? restart : sqlCommand(project, addColumnsStatement(name, missing))));
  }
  const relaxed = declared.schema.fields.filter((field) => isStricter(stored.get(field.name), field));
  if (relaxed.length > 0) {
    const finding = `Table ${subject} insists on ${relaxed.map((field) => field.name).join(", ")}, which may be empty by now. Events without are refused.`;
    const commands = relaxed.map((field) => sqlCommand(project, dropNotNullStatement(name, field)));
    findings.push(about("problem", finding, local ? restart : commands.join("\n")));
  }
  const others = declared.schema.fields
    .filter((field) => !relaxed.includes(field))
    .flatMap((field) => differences(field, stored.get(field.name), ""));
  if (others.length > 0) {
    const finding = `Table ${subject} has other columns than declared: ${others.join("; ")}. Events are refused, or answers wrong.`;
    findings.push(about("problem", finding, rebuildSteps(name, declared, place)));
  }
  const known = new Set(declared.schema.fields.map((field) => field.name));
  const extra = [...stored.keys()].filter((column) => !known.has(column));
  if (extra.length > 0) {
    const finding = `Table ${subject} has ${counted(extra.length, "column")} that this version does not know: ${extra.join(", ")}.`;
    findings.push(about("warning", finding, "Use the version that has provisioned it, or a later one: npm install"));
  }
  findings.push(...partitioning(subject, name, declared, found, place));
  const clustered = found.clustering?.fields ?? [];
  if (clustered.join() !== declared.clustering.fields.join()) {
    const finding = `Table ${subject} is clustered by ${clustered.join(", ") || "nothing"} instead of ${declared.clustering.fields.join(", ")}: questions read more than they need.`;
    const fix = commandLine(
      "bq",
      "update",
      `--project_id=${project}`,
      `--clustering_fields=${declared.clustering.fields.join(",")}`,
      bqName(name),
    );
    findings.push(
      about("warning", finding, local ? "Queries of one machine do not use it; nothing need be done." : fix),
    );
  }
  return findings;
}

function partitioning(
  subject: string,
  name: string,
  declared: BigQueryTable,
  found: TableMetadata,
  place: Place,
): Finding[] {
  const { project, local, restart } = place;
  const { field, type, expirationMs } = declared.timePartitioning;
  const is = found.timePartitioning;
  if (is?.field !== field || is.type !== type) {
    const how =
      is === undefined ? "not partitioned" : `partitioned by ${is.field ?? "the time of loading"} (${is.type ?? "?"})`;
    const finding = `Table ${subject} is ${how} instead of by ${field} (${type}): nothing expires by the clock that agents cannot set.`;
    return [{ subject, status: "problem", finding, fix: rebuildSteps(name, declared, place) }];
  }
  const wanted = Number(expirationMs);
  const has = Number(is.expirationMs ?? 0);
  if (has === wanted) return [];
  const days = (ms: number): string => counted(Math.round(ms / dayMs), "day");
  if (has === 0 || has > wanted) {
    // Somebody has decided so, such as for a legal hold; no command is given that would undo it.
    const keeps = has === 0 ? "never expire" : `expire after ${days(has)}`;
    const finding = `Rows of ${subject} ${keeps}, and are declared to expire after ${days(wanted)}: they are kept longer. To shorten that would delete at once what is older.`;
    return [{ subject, status: "ok", finding }];
  }
  const finding = `Rows of ${subject} expire after ${days(has)} instead of after ${days(wanted)}.`;
  const fix = commandLine(
    "bq",
    "update",
    `--project_id=${project}`,
    `--time_partitioning_expiration=${wanted / 1000}`,
    bqName(name),
  );
  return [{ subject, status: "problem", finding, fix: local ? restart : fix }];
}

/** Whether a column that is as declared otherwise must not be empty, though it is declared that it may. */
function isStricter(found: TableField | undefined, declared: BigQueryField): boolean {
  if (found?.mode !== "REQUIRED" || declared.mode !== "NULLABLE") return false;
  return differences(declared, { ...found, mode: "NULLABLE" }, "").length === 0;
}

/** What is another type or another shape, down to the fields of structs. */
function differences(declared: BigQueryField, found: TableField | undefined, path: string): string[] {
  if (found === undefined) return path === "" ? [] : [`${path}${declared.name} is missing`];
  const name = `${path}${declared.name}`;
  const type = legacyName(found.type ?? "");
  const isList = found.mode === "REPEATED";
  if (type !== declared.type || isList !== (declared.mode === "REPEATED")) {
    return [
      `${name} is ${isList ? "a list of " : ""}${type} instead of ${declared.mode === "REPEATED" ? "a list of " : ""}${declared.type}`,
    ];
  }
  if (found.mode === "REQUIRED" && declared.mode === "NULLABLE") return [`${name} must not be empty, and may be`];
  const fields = new Map((found.fields ?? []).map((field) => [field.name ?? "", field]));
  return (declared.fields ?? []).flatMap((field) => differences(field, fields.get(field.name), `${name}.`));
}

const legacyNames: { readonly [type: string]: string } = {
  INT64: "INTEGER",
  FLOAT64: "FLOAT",
  BOOL: "BOOLEAN",
  STRUCT: "RECORD",
};

function legacyName(type: string): string {
  return legacyNames[type] ?? type;
}

export function fieldsOf({ schema }: TableMetadata): readonly TableField[] {
  return typeof schema === "object" && "fields" in schema ? (schema.fields ?? []) : [];
}

/** `project:dataset.table`, as `bq` has it. */
function bqName(name: string): string {
  return name.replace(".", ":");
}
