import type { Query } from "@google-cloud/bigquery";
import type { Datasets } from "@indelible/schemas/names.ts";
import { tableNames, type TableName } from "@indelible/schemas/tables.ts";
import type { OpenWarehouse, PlainRow } from "../warehouse.ts";

/** One read: a job, a read session or a call, whatever number of tables and views it read. */
export interface Read {
  /** RFC 3339. */
  readonly accessed_at: string;
  readonly principal: string;
  readonly access_type: string;
  /** `dataset.table` of the log's views and tables that were read, views first. */
  readonly tables: readonly string[];
  /** `project.dataset.table` of copies of them that were read. */
  readonly copies: readonly string[];
  readonly rows_read: number | null;
  readonly bytes_read: number | null;
  readonly purpose: string | null;
  readonly caller_ip: string | null;
  readonly caller_user_agent: string | null;
  readonly statement: string | null;
  /** Where the result was stored, if it was. */
  readonly destination: string | null;
  readonly job_id: string | null;
  /** Who reported the read, where it was not the warehouse itself. */
  readonly publisher_id: string | null;
}

export interface ReadFilter {
  readonly table: TableName | undefined;
  /** RFC 3339. */
  readonly since: string;
  readonly until: string | undefined;
  readonly principal: string | undefined;
  /** Accounts whose reads are left out. */
  readonly except: readonly string[];
}

/** Asks the views; tests answer it themselves. */
export type Ask = (query: Query) => Promise<readonly PlainRow[]>;

/** Copies of copies are followed so far. */
export const MAX_GENERATIONS = 8;
export const MAX_COPIES = 1_000;

const fullName = "CONCAT('projects/', project_id, '/datasets/', dataset_id, '/tables/', table_id)";
/** Of the log's own tables and views, or of a copy. Without a project: a read that somebody reported by hand. */
const ofTheLog =
  "dataset_id IN UNNEST(@datasets) AND table_id IN UNNEST(@tables) AND IFNULL(project_id = @project, TRUE)";

/**
 * What the records of the access audit tell of reads. Asks for every entry, and puts together what one reporter says of a job: in the view that has one
 * row an access, a publisher's entry could take the place of the warehouse's own. Throws what `ask` throws.
 */
export class AccessAudit {
  readonly #project: string;
  readonly #datasets: Datasets;
  readonly #ask: Ask;
  readonly #onCut: () => void;

  /** @param onCut called when there are more copies than are followed: reads of the others are not told */
  constructor(
    { project, datasets }: Pick<OpenWarehouse, "project" | "datasets">,
    ask: Ask,
    onCut: () => void = () => {},
  ) {
    this.#project = project;
    this.#datasets = datasets;
    this.#ask = ask;
    this.#onCut = onCut;
  }

  /** Reads of a table, of its views and of what was copied from them, the newest first. */
  async reads({
    table,
    since,
    until,
    principal,
    except,
    limit,
  }: ReadFilter & { readonly limit: number }): Promise<Read[]> {
    const copies = await this.#copiesOf(table);
    const conditions = [
      `(${ofTheLog} OR ${fullName} IN UNNEST(@copies))`,
      "accessed_at >= @since",
      ...(until === undefined ? [] : ["accessed_at < @until"]),
      ...(principal === undefined ? [] : ["principal = @principal"]),
      ...(except.length === 0 ? [] : ["principal NOT IN UNNEST(@except)"]),
    ];
    const rows = await this.#rows(
      `SELECT MAX(accessed_at) AS accessed_at, MAX(principal) AS principal, MIN(access_type) AS access_type,
  ARRAY_AGG(DISTINCT CONCAT(IFNULL(project_id, ''), '.', dataset_id, '.', table_id)) AS full_names,
  MAX(rows_read) AS rows_read, MAX(bytes_read) AS bytes_read, MAX(purpose) AS purpose, MAX(caller_ip) AS caller_ip,
  MAX(caller_user_agent) AS caller_user_agent, MAX(statement) AS statement, MAX(destination) AS destination,
  MAX(job_id) AS job_id, publisher_id
FROM log_access_audit_history
WHERE ${conditions.join(" AND ")}
GROUP BY publisher_id, COALESCE(job_id, access_id)
ORDER BY accessed_at DESC, job_id
LIMIT ${limit}`,
      {
        ...this.#log(table),
        copies,
        since: { value: since },
        ...(until === undefined ? {} : { until: { value: until } }),
        ...(principal === undefined ? {} : { principal }),
        ...(except.length === 0 ? {} : { except }),
      },
    );
    return rows.map((row) => readOf(row, new Set(copies), this.#datasets));
  }

  /** When the warehouse last told of a read of anything; undefined: never. */
  async newest(): Promise<string | undefined> {
    const [row] = await this.#rows(
      "SELECT MAX(accessed_at) AS newest FROM log_access_audit_history WHERE publisher_id IS NULL",
      {},
    );
    return typeof row?.["newest"] === "string" ? row["newest"] : undefined;
  }

  /**
   * Names of the tables that the results of reading `table` were ever stored in, and so on. What was put into one of the log's own tables, as
   * when it was restored, makes no copy of it.
   */
  async #copiesOf(table: TableName | undefined): Promise<string[]> {
    const copies = new Set<string>();
    const own = namesOf(tableNames).flatMap((name) =>
      Object.values(this.#datasets).map((dataset) => `projects/${this.#project}/datasets/${dataset}/tables/${name}`),
    );
    for (let generation = 0; generation < MAX_GENERATIONS && copies.size < MAX_COPIES; generation += 1) {
      const before = copies.size;
      // A part of a table stands behind its name, and the names of what is read are without.
      const rows = await this.#rows(
        `SELECT DISTINCT destination FROM (
  SELECT REGEXP_REPLACE(destination, r'[$@].*$', '') AS destination FROM log_access_audit_history
  WHERE STARTS_WITH(destination, 'projects/') AND (${ofTheLog} OR ${fullName} IN UNNEST(@copies))
) WHERE destination NOT IN UNNEST(@own)
ORDER BY destination LIMIT ${MAX_COPIES}`,
        { ...this.#log(table), copies: [...copies], own },
      );
      for (const { destination } of rows) if (typeof destination === "string") copies.add(destination);
      if (copies.size === before) return [...copies];
    }
    this.#onCut();
    return [...copies];
  }

  #log(table: TableName | undefined): { readonly [name: string]: unknown } {
    const names = namesOf(table === undefined ? tableNames : [table]);
    // BigQuery tells of a wildcard as it was written, and not of the tables that it meant.
    const wildcards = names.flatMap((name) => Array.from(name, (_one, end) => `${name.slice(0, end)}*`));
    const tables = [...new Set([...names, ...wildcards])];
    return { datasets: Object.values(this.#datasets), tables, project: this.#project };
  }

  #rows(query: string, params: { readonly [name: string]: unknown }): Promise<readonly PlainRow[]> {
    const types = Object.keys(params).map((name) => [
      name,
      name === "since" || name === "until" ? "TIMESTAMP" : Array.isArray(params[name]) ? ["STRING"] : "STRING",
    ]);
    return this.#ask({ query, params, types: Object.fromEntries(types) });
  }
}

/** Of tables, and of what people read of them. */
function namesOf(tables: readonly TableName[]): string[] {
  return tables.flatMap((name) => [name, `${name}_history`]);
}

function readOf({ full_names, ...row }: PlainRow, copies: ReadonlySet<string>, { views }: Datasets): Read {
  const viewed: string[] = [];
  const others: string[] = [];
  const copied: string[] = [];
  for (const name of (full_names as readonly string[]).toSorted()) {
    const [project = "", dataset = "", table = ""] = splitName(name);
    if (copies.has(`projects/${project}/datasets/${dataset}/tables/${table}`)) copied.push(name);
    else (dataset === views ? viewed : others).push(`${dataset}.${table}`);
  }
  return { ...row, tables: [...viewed, ...others], copies: copied } as unknown as Read;
}

/** A project's ID may have a dot, as `example.com:p`; those of datasets have none. */
function splitName(name: string): readonly string[] {
  return /^(.*)\.(\w+)\.([^.]*)$/.exec(name)?.slice(1) ?? [];
}
