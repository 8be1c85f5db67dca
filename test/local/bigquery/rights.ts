/** Who may do what, by hand: what `schemas/rights.ts` and the warehouse come to together. */
import type { WarehouseRoleName } from "@indelible/schemas/rights.ts";

export const RAW = "agent_logs_raw";
export const VIEWS = "agent_logs";

/**
 * What is sent: a statement, a REST call behind the project's URL, a call of the Storage Write API on a table of the raw dataset, or one of the
 * Storage Read API.
 */
export type Attempt =
  | { readonly statement: string }
  | { readonly method: string; readonly path: string; readonly body?: object }
  | WriteAttempt
  | ReadAttempt;

export type WriteAttempt = {
  readonly write: "append" | "GetWriteStream" | "CreateWriteStream";
  readonly table: string;
  /** Columns of the row to append that the table does not have, all of them texts. Default: none. */
  readonly more?: Readonly<Record<string, string>>;
};

export type ReadAttempt = {
  readonly read: "CreateReadSession" | "ReadRows" | "SplitReadStream";
  readonly dataset: string;
  readonly table: string;
};

/**
 * "yes": it is done. "not here": allowed, and refused by this warehouse for another reason, which is said. Whoever is not named is refused
 * for lack of a permission.
 */
export type Right = {
  readonly what: string;
  readonly attempt: Attempt;
  readonly allowed: { readonly [R in WarehouseRoleName]?: "yes" | "not here" };
};

const tables = `/datasets/${RAW}/tables`;
const jobOf = (configuration: object): Attempt => ({ method: "POST", path: "/jobs", body: { configuration } });
const tableReference = (tableId: string): object => ({ projectId: "rights-test", datasetId: RAW, tableId });
const query = (more: object): Attempt =>
  jobOf({ query: { query: "SELECT 1 AS log_id", useLegacySql: false, ...more } });

/** In an order in which the admin can do one after the other. */
export const rights: readonly Right[] = [
  // Reading
  {
    what: "SELECT without a table",
    attempt: { statement: "SELECT 1" },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a raw table",
    attempt: { statement: `SELECT * FROM ${RAW}.conversations` },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "SELECT on the seals",
    attempt: { statement: `SELECT * FROM ${RAW}.seals` },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a raw table in a subquery",
    attempt: { statement: `SELECT (SELECT COUNT(*) FROM ${RAW}.conversations) AS n` },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a raw table in WITH",
    attempt: { statement: `WITH w AS (SELECT * FROM ${RAW}.seals) SELECT * FROM w` },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a raw table beside a view",
    attempt: {
      statement: `SELECT 1 FROM ${VIEWS}.conversations AS a JOIN ${RAW}.conversations AS b ON a.log_id = b.log_id`,
    },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a view",
    attempt: { statement: `SELECT * FROM ${VIEWS}.conversations` },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  {
    what: "SELECT on a history view",
    attempt: { statement: `SELECT * FROM ${VIEWS}.conversations_history` },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  {
    what: "a dry run on a raw table",
    attempt: {
      method: "POST",
      path: "/queries",
      body: { query: `SELECT * FROM ${RAW}.conversations`, useLegacySql: false, dryRun: true },
    },
    allowed: { auditor: "yes", admin: "yes" },
  },
  {
    what: "tabledata.list of a raw table",
    attempt: { method: "GET", path: `${tables}/conversations/data` },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "tables.get of a raw table",
    attempt: { method: "GET", path: `${tables}/conversations` },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "tables.get of a view",
    attempt: { method: "GET", path: `/datasets/${VIEWS}/tables/conversations` },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  {
    what: "tables.list of the raw dataset",
    attempt: { method: "GET", path: tables },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "tables.list of the views",
    attempt: { method: "GET", path: `/datasets/${VIEWS}/tables` },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  {
    what: "datasets.get of the raw dataset",
    attempt: { method: "GET", path: `/datasets/${RAW}` },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "datasets.get of the views",
    attempt: { method: "GET", path: `/datasets/${VIEWS}` },
    allowed: { auditor: "yes", reader: "yes", admin: "yes" },
  },
  // Reading by the Storage Read API
  {
    what: "CreateReadSession on a raw table",
    attempt: { read: "CreateReadSession", dataset: RAW, table: "conversations" },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "CreateReadSession on the seals",
    attempt: { read: "CreateReadSession", dataset: RAW, table: "seals" },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "CreateReadSession on a view",
    attempt: { read: "CreateReadSession", dataset: VIEWS, table: "conversations" },
    allowed: { auditor: "not here", admin: "not here" },
  },
  {
    what: "ReadRows of a raw table",
    attempt: { read: "ReadRows", dataset: RAW, table: "conversations" },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "SplitReadStream",
    attempt: { read: "SplitReadStream", dataset: RAW, table: "conversations" },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  // Appending
  {
    what: "append to conversations",
    attempt: { write: "append", table: "conversations" },
    allowed: { writer: "yes", admin: "yes" },
  },
  {
    what: "append to seals",
    attempt: { write: "append", table: "seals" },
    allowed: { sealer: "yes", admin: "yes" },
  },
  {
    what: "append of rows that change others (CDC)",
    attempt: { write: "append", table: "conversations", more: { _change_TYPE: "DELETE" } },
    allowed: { admin: "not here" },
  },
  {
    what: "append of rows that change others in an order (CDC)",
    attempt: {
      write: "append",
      table: "conversations",
      more: { _CHANGE_TYPE: "UPSERT", _CHANGE_SEQUENCE_NUMBER: "FF" },
    },
    allowed: { admin: "not here" },
  },
  {
    what: "append of rows with a sequence number and no change (CDC)",
    attempt: { write: "append", table: "conversations", more: { _CHANGE_SEQUENCE_NUMBER: "FF" } },
    allowed: { admin: "not here" },
  },
  {
    what: "append of seals that change others (CDC)",
    attempt: { write: "append", table: "seals", more: { _change_TYPE: "DELETE" } },
    allowed: { admin: "not here" },
  },
  {
    what: "GetWriteStream",
    attempt: { write: "GetWriteStream", table: "conversations" },
    allowed: { sealer: "yes", auditor: "yes", admin: "yes" },
  },
  {
    what: "CreateWriteStream",
    attempt: { write: "CreateWriteStream", table: "conversations" },
    allowed: { writer: "yes", admin: "yes" },
  },
  {
    what: "CreateWriteStream on the seals",
    attempt: { write: "CreateWriteStream", table: "seals" },
    allowed: { sealer: "yes", admin: "yes" },
  },
  {
    what: "tabledata.insertAll",
    attempt: { method: "POST", path: `${tables}/conversations/insertAll`, body: { rows: [] } },
    allowed: { writer: "not here", admin: "not here" },
  },
  // Changing by statements
  {
    what: "UPDATE",
    attempt: { statement: `UPDATE ${RAW}.conversations SET entry = '{}' WHERE TRUE` },
    allowed: { admin: "yes" },
  },
  {
    what: "UPDATE of the seals",
    attempt: { statement: `UPDATE ${RAW}.seals SET root_hash = '' WHERE TRUE` },
    allowed: { admin: "yes" },
  },
  {
    what: "DELETE",
    attempt: { statement: `DELETE FROM ${RAW}.conversations WHERE log_id = 'first'` },
    allowed: { admin: "yes" },
  },
  { what: "DELETE of seals", attempt: { statement: `DELETE FROM ${RAW}.seals WHERE TRUE` }, allowed: { admin: "yes" } },
  {
    what: "INSERT",
    attempt: { statement: `INSERT INTO ${RAW}.conversations SELECT * FROM ${RAW}.conversations` },
    allowed: { admin: "yes" },
  },
  {
    what: "INSERT of what a view shows",
    attempt: {
      statement: `INSERT INTO ${RAW}.conversations (conversation_id) SELECT 'x' FROM ${VIEWS}.conversations WHERE FALSE`,
    },
    allowed: { admin: "yes" },
  },
  {
    what: "MERGE",
    attempt: { statement: `MERGE ${RAW}.conversations USING ${RAW}.seals ON TRUE WHEN MATCHED THEN DELETE` },
    allowed: { admin: "not here" },
  },
  {
    what: "ALTER TABLE",
    attempt: { statement: `ALTER TABLE ${RAW}.conversations DROP COLUMN entry` },
    allowed: { admin: "not here" },
  },
  {
    what: "CREATE VIEW",
    attempt: { statement: `CREATE VIEW ${VIEWS}.mine AS SELECT * FROM ${RAW}.conversations` },
    allowed: { admin: "not here" },
  },
  {
    what: "EXPORT DATA",
    attempt: { statement: "EXPORT DATA OPTIONS (uri = 'gs://x') AS SELECT 1" },
    allowed: { admin: "not here" },
  },
  {
    what: "GRANT",
    attempt: { statement: `GRANT \`roles/bigquery.admin\` ON SCHEMA ${RAW} TO 'user:x@y.z'` },
    allowed: { admin: "not here" },
  },
  {
    what: "CREATE TABLE AS in the dataset of the views",
    attempt: { statement: `CREATE TABLE ${VIEWS}.mine AS SELECT * FROM ${VIEWS}.conversations` },
    allowed: { admin: "yes" },
  },
  {
    what: "CREATE OR REPLACE TABLE",
    attempt: {
      statement: `CREATE OR REPLACE TABLE ${RAW}.conversations AS SELECT * FROM ${RAW}.conversations WHERE FALSE`,
    },
    allowed: { admin: "yes" },
  },
  { what: "TRUNCATE TABLE", attempt: { statement: `TRUNCATE TABLE ${RAW}.conversations` }, allowed: { admin: "yes" } },
  { what: "DROP TABLE", attempt: { statement: `DROP TABLE ${RAW}.action_logs` }, allowed: { admin: "yes" } },
  {
    what: "DROP TABLE IF EXISTS of nothing",
    attempt: { statement: `DROP TABLE IF EXISTS ${RAW}.nothing` },
    allowed: { admin: "yes" },
  },
  // Changing by jobs
  {
    what: "a query job with WRITE_TRUNCATE",
    attempt: query({ destinationTable: tableReference("conversations"), writeDisposition: "WRITE_TRUNCATE" }),
    allowed: { admin: "not here" },
  },
  {
    what: "a query job with WRITE_APPEND",
    attempt: query({ destinationTable: tableReference("conversations"), writeDisposition: "WRITE_APPEND" }),
    allowed: { admin: "not here" },
  },
  {
    what: "a query job with a new destination",
    attempt: query({ destinationTable: tableReference("mine") }),
    allowed: { admin: "not here" },
  },
  {
    what: "a query job with WRITE_TRUNCATE and no destination",
    attempt: query({ writeDisposition: "WRITE_TRUNCATE" }),
    allowed: { admin: "not here" },
  },
  {
    what: "a copy job",
    attempt: jobOf({
      copy: {
        sourceTable: tableReference("seals"),
        destinationTable: tableReference("conversations"),
        writeDisposition: "WRITE_TRUNCATE",
      },
    }),
    allowed: { admin: "not here" },
  },
  {
    what: "a load job",
    attempt: jobOf({ load: { destinationTable: tableReference("conversations"), sourceUris: ["gs://x/y"] } }),
    allowed: { admin: "not here" },
  },
  {
    what: "an extract job",
    attempt: jobOf({ extract: { sourceTable: tableReference("conversations"), destinationUris: ["gs://x/y"] } }),
    allowed: { admin: "not here" },
  },
  // Changing by REST
  {
    what: "tables.patch of a raw table",
    attempt: { method: "PATCH", path: `${tables}/decision_logs`, body: { description: "mine" } },
    allowed: { admin: "yes" },
  },
  {
    what: "tables.patch of a view",
    attempt: {
      method: "PATCH",
      path: `/datasets/${VIEWS}/tables/decision_logs`,
      body: { view: { query: "SELECT 1 AS x" } },
    },
    allowed: { admin: "yes" },
  },
  {
    what: "tables.insert",
    attempt: {
      method: "POST",
      path: tables,
      body: { tableReference: { tableId: "mine" }, schema: { fields: [{ name: "x", type: "STRING" }] } },
    },
    allowed: { admin: "yes" },
  },
  {
    what: "tables.insert of a view",
    attempt: {
      method: "POST",
      path: `/datasets/${VIEWS}/tables`,
      body: { tableReference: { tableId: "mine_too" }, view: { query: `SELECT * FROM ${RAW}.seals` } },
    },
    allowed: { admin: "yes" },
  },
  {
    what: "tables.delete of a partition",
    attempt: { method: "DELETE", path: `${tables}/mcp_usage_logs$20260131` },
    allowed: { admin: "yes" },
  },
  { what: "tables.delete", attempt: { method: "DELETE", path: `${tables}/decision_logs` }, allowed: { admin: "yes" } },
  {
    what: "datasets.patch",
    attempt: { method: "PATCH", path: `/datasets/${RAW}`, body: { description: "mine" } },
    allowed: { admin: "yes" },
  },
  {
    what: "datasets.insert",
    attempt: { method: "POST", path: "/datasets", body: { datasetReference: { datasetId: "mine" } } },
    allowed: { admin: "yes" },
  },
  {
    what: "datasets.delete with all that is in it",
    attempt: { method: "DELETE", path: `/datasets/${RAW}?deleteContents=true` },
    allowed: { admin: "yes" },
  },
];
