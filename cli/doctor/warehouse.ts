import type { BigQuery, TableMetadata } from "@google-cloud/bigquery";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { tables } from "@indelible/schemas/tables.ts";
import { viewsOf, type View } from "@indelible/schemas/views.ts";
import { messageOf } from "../terminal/failure.ts";
import { counted } from "../terminal/table.ts";
import { durationText } from "./age.ts";
import { orWell, unknownBecause, type Finding } from "./check.ts";
import { createTableStatement, sqlCommand } from "./commands.ts";
import type { Installation } from "./installation.ts";
import { commandLine } from "../terminal/shell-word.ts";
import { driftOf, fieldsOf } from "./table-drift.ts";

const HTTP_BAD_REQUEST = 400;
const HTTP_NOT_FOUND = 404;
const HTTP_FORBIDDEN = 403;

/** Whether the datasets of tables and of views are there. */
export async function findingsOfDatasets({
  auditor,
  datasets: { raw, views },
  project,
  local,
  restart,
}: Installation): Promise<readonly Finding[]> {
  const found = await Promise.all(
    [raw, views].map(async (dataset): Promise<Finding[]> => {
      const metadata = await orMissing(() => auditor.dataset(dataset).getMetadata());
      if (metadata !== undefined) return [];
      const fix = local ? restart : commandLine("bq", "mk", "--dataset", `${project}:${dataset}`);
      return [{ subject: dataset, status: "problem", finding: `Dataset ${dataset} is not there.`, fix }];
    }),
  );
  return orWell(found.flat(), `Datasets ${raw} and ${views}.`);
}

/** Whether every table is there and is as it is declared. */
export async function findingsOfTables(installation: Installation): Promise<readonly Finding[]> {
  const { auditor, datasets, project, local, restart } = installation;
  let rows = 0;
  const found = await Promise.all(
    Object.values(tables).map(async (table): Promise<readonly Finding[]> => {
      const declared = bigQueryTableOf(table);
      const name = `${project}.${datasets.raw}.${table.name}`;
      const subject = table.name;
      try {
        const metadata = await metadataOf(auditor, datasets.raw, subject);
        rows += Number(metadata?.numRows ?? 0);
        if (metadata !== undefined) return driftOf(name, declared, metadata, installation);
      } catch (error) {
        return [unknownBecause(`table ${subject}`, error, subject)];
      }
      const fix = local ? restart : sqlCommand(project, createTableStatement(name, declared));
      const finding = `Table ${subject} is not there: what is meant for it waits, and is dead-lettered after some hours.`;
      return [{ subject, status: "problem", finding, fix }];
    }),
  );
  const findings = found.flat();
  // What is well, and yet worth a remark, does not hide how many there are.
  if (findings.some(({ status }) => status !== "ok")) return findings;
  const but = findings.length === 0 ? "" : ", but for what follows";
  const finding = `${counted(found.length, "table")} as declared${but}, ${counted(rows, "row")}.`;
  return [{ status: "ok", finding }, ...findings];
}

/** Whether every view is there, asks what this version's does, and can be read by a reader. */
export async function findingsOfViews(installation: Installation): Promise<readonly Finding[]> {
  const { auditor, reader, datasets, project, local, restart } = installation;
  const views = viewsOf(project, datasets);
  const dependent: string[] = [];
  const found = await Promise.all(
    views.map(async (view): Promise<Finding[]> => {
      const subject = view.name;
      const fix = local ? restart : sqlCommand(project, createViewStatement(`${project}.${datasets.views}`, view));
      try {
        const metadata = await metadataOf(auditor, datasets.views, subject);
        if (metadata === undefined)
          return [{ subject, status: "problem", finding: `View ${subject} is not there.`, fix }];
        const finding = driftOfView(view, metadata);
        if (finding !== undefined) return [{ subject, status: "problem", finding, fix }];
        return await readableBy(reader, datasets.views, subject);
      } catch (error) {
        const code = httpCodeOf(error);
        // As it asks what is declared, a question that is refused is the fault of what it reads.
        if (code !== HTTP_NOT_FOUND && code !== HTTP_BAD_REQUEST)
          return [unknownBecause(`view ${subject}`, error, subject)];
        dependent.push(code === HTTP_NOT_FOUND ? subject : `${subject} (${messageOf(error)})`);
        return [];
      }
    }),
  );
  const findings = found.flat();
  if (dependent.length > 0) {
    const finding = `${counted(dependent.length, "view")} cannot be asked, because what they read is not there, or is not as declared: ${dependent.join(", ")}.`;
    const fix = local ? restart : "Repair those tables and views first, as said above and below.";
    findings.push({ subject: "dependent", status: "problem", finding, fix });
  }
  return orWell(findings, `${counted(views.length, "view")} as declared, and a reader may read them.`);
}

function driftOfView({ name, query, columns }: View, metadata: TableMetadata): string | undefined {
  const stored = typeof metadata.view === "string" ? metadata.view : metadata.view?.query;
  if (stored === undefined) return `${name} is a table, and is to be a view.`;
  if (stored !== query) return `View ${name} asks something else than the one of this version.`;
  const has = new Set(fieldsOf(metadata).map((field) => field.name));
  const missing = columns.filter((column) => !has.has(column));
  return missing.length === 0 ? undefined : `View ${name} lacks columns: ${missing.join(", ")}.`;
}

/** Whether a question would be answered; it is planned and not asked, so that nothing is read. */
async function readableBy(reader: BigQuery, dataset: string, view: string): Promise<Finding[]> {
  try {
    const query = `SELECT * FROM \`${reader.projectId}.${dataset}.${view}\``;
    await reader.createQueryJob({ query, dryRun: true });
    return [];
  } catch (error) {
    if (httpCodeOf(error) !== HTTP_FORBIDDEN) throw error;
    const unset = "unset INDELIBLE_WAREHOUSE_TOKEN";
    const grant = commandLine(
      "bq",
      "add-iam-policy-binding",
      "--member=user:ACCOUNT",
      "--role=roles/bigquery.dataViewer",
      `${reader.projectId}:${dataset}.${view}`,
    );
    const isLocal = process.env["BIGQUERY_EMULATOR_HOST"] !== undefined;
    return [
      { subject: view, status: "problem", finding: `A reader may not read ${view}.`, fix: isLocal ? unset : grant },
    ];
  }
}

function createViewStatement(dataset: string, { name, query, description }: View): string {
  return `CREATE OR REPLACE VIEW \`${dataset}.${name}\` OPTIONS (description = ${JSON.stringify(description)}) AS ${query}`;
}

const warnBeyondMs = 5000;
const problemBeyondMs = 60_000;

/** How far this machine's clock is from the warehouse's, as far as the time that the question took lets one say. */
export async function findingsOfClock({ reader, local }: Installation): Promise<readonly Finding[]> {
  const asked = Date.now();
  const [rows] = await reader.query("SELECT UNIX_MICROS(CURRENT_TIMESTAMP()) AS now");
  const answered = Date.now();
  return [clockFinding(Number((rows[0] as { now?: unknown } | undefined)?.now) / 1000, asked, answered, local)];
}

/** @param server its clock; all in milliseconds since 1970 */
export function clockFinding(server: number, asked: number, answered: number, local: boolean): Finding {
  if (Number.isNaN(server)) return { status: "unknown", finding: "The warehouse does not say what time it is." };
  const aheadMs = server < asked ? asked - server : server > answered ? answered - server : 0;
  const byMs = Math.abs(aheadMs);
  if (byMs <= warnBeyondMs) {
    const whose = local ? "the warehouse's, which is the same" : "the warehouse's";
    return { status: "ok", finding: `This machine's clock agrees with ${whose}.` };
  }
  const finding = `This machine's clock is ${durationText(byMs)} ${aheadMs > 0 ? "ahead of" : "behind"} the warehouse's: logged_at of agents here is wrong, and keys and seals may seem not to be valid.`;
  const fix = "sudo timedatectl set-ntp true";
  return { status: byMs > problemBeyondMs ? "problem" : "warning", finding, fix };
}

async function metadataOf(bigquery: BigQuery, dataset: string, name: string): Promise<TableMetadata | undefined> {
  return orMissing(async () => (await bigquery.dataset(dataset).table(name).getMetadata())[0] as TableMetadata);
}

/** Undefined when it is not there. */
export async function orMissing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (httpCodeOf(error) === HTTP_NOT_FOUND) return undefined;
    throw error;
  }
}

function httpCodeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
