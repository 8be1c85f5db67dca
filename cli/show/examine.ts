import { IndelibleError } from "@indelible/schemas/errors.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { lineQuery } from "@indelible/schemas/entry-lines.ts";
import { relationsWhere, viewRelations } from "@indelible/schemas/relations.ts";
import { rowColumns, tables, type TableName } from "@indelible/schemas/tables.ts";
import { lineOf, type Line } from "../explore/line.ts";
import type { Patience } from "../retry.ts";
import { rowsOf, type PlainRow, type Warehouse } from "../warehouse.ts";
import { findOne, type Found } from "./find.ts";
import { differingColumn } from "./projection.ts";
import { lookUpSeal, type ProofSources, type SealState } from "./sealed.ts";

/** One row of the table with this log_id. */
export interface Copy {
  readonly published_at: string;
  readonly message_id: string;
  readonly ingested_at: string;
  readonly entry_hash: string;
  /** Whether SHA-256 of the stored entry is the stored hash. */
  readonly hash_holds: boolean;
  /** The first column that says something else than the entry, or member of the entry that is no column; null: all say the same. */
  readonly differing: string | null;
}

/** Everything of an entry. */
export interface Shown {
  readonly table: TableName;
  readonly log_id: string;
  readonly entity: string;
  readonly entity_id: string;
  /** The row that the history shows: of several copies the one that was published first. All columns. */
  readonly row: PlainRow;
  /** All rows with this log_id, that one first; 20 at most. */
  readonly copies: readonly Copy[];
  /** How many rows there are with this log_id. */
  readonly copy_count: number;
  /** Copies have different content, also those beyond the 20. */
  readonly conflict: boolean;
  /** Entries of the same entity in order, the first 200: this one is among them unless there are more. */
  readonly history: readonly Line[];
  readonly more_history: boolean;
  readonly seal: SealState;
  /** The conversation that it belongs to. */
  readonly conversation_id: string | null;
}

/** An event that is no entry, or a dead letter by its own ID. */
export interface Refused {
  readonly dead_letter_id: string;
  readonly reason: string;
  readonly reason_detail: string | null;
  readonly source_table: string | null;
  readonly source_log_id: string | null;
}

const maxCopies = 20;
const maxHistory = 200;

/**
 * What there is about an ID: a log_id, the ID of an entity (then its latest entry is shown), or the beginning of one that nothing else has.
 *
 * @param proof where the seal log is; undefined: it is not looked at
 * @throws ERR_NOT_FOUND, ERR_QUERY, ERR_DEADLINE
 */
export async function examine(
  warehouse: Warehouse,
  id: string,
  options: {
    readonly table?: TableName;
    readonly proof?: () => Promise<ProofSources>;
    readonly patience?: Patience;
  } = {},
): Promise<Shown | Refused> {
  const { table, proof, patience } = options;
  const found = await findOne(warehouse, id, table, patience);
  if (found.table === "dead_letters") return refused(warehouse, found, patience);
  const { entity } = tables[found.table];
  // A conflict may be an entity of no entry in the history: the copy that was published first has another.
  const logId =
    found.what === "entry" ? found.id : ((await latestOf(warehouse, found.table, found.id, patience)) ?? found.id);
  const [rows, counts] = await Promise.all([
    copiesOf(warehouse, found.table, logId, patience),
    copyCountsOf(warehouse, found.table, logId, patience),
  ]);
  const [row] = rows;
  if (row === undefined) {
    throw new IndelibleError("ERR_NOT_FOUND", `${found.id} is only in copies of entries that were published later`, {
      hint: 'indelible query "SELECT * FROM conflicts" lists entries of which there are different copies.',
    });
  }
  const entityId = String(row[entity]);
  const [history, seal] = await Promise.all([
    historyOf(warehouse, found.table, entityId, patience),
    lookUpSeal(warehouse, found.table, row, rows, proof, patience),
  ]);
  const shown = Object.fromEntries(Object.keys(rowColumns(tables[found.table])).map((name) => [name, row[name]]));
  return {
    table: found.table,
    log_id: logId,
    entity,
    entity_id: entityId,
    row: shown,
    copies: rows.map((copy) => copyOf(found.table, copy)),
    copy_count: counts.copies,
    conflict: counts.contents > 1,
    history: history.slice(0, maxHistory),
    more_history: history.length > maxHistory,
    seal,
    conversation_id: history.findLast(({ conversation_id }) => conversation_id !== null)?.conversation_id ?? null,
  };
}

/** Every row with a log_id, in the order of the history. */
function copiesOf(warehouse: Warehouse, name: TableName, logId: string, patience?: Patience): Promise<PlainRow[]> {
  const from = viewRelations(warehouse.bigquery.projectId, warehouse.datasets).arrivals(name);
  const query = `SELECT *, UNIX_MICROS(published_at) AS published_micros, UNIX_MICROS(ingested_at) AS ingested_micros
FROM ${from} WHERE log_id = @id ORDER BY published_at, message_id, ingested_at LIMIT ${maxCopies}`;
  return rowsOf(warehouse, { query, params: { id: logId } }, patience);
}

/** Of all copies, however many there are. */
async function copyCountsOf(
  warehouse: Warehouse,
  name: TableName,
  logId: string,
  patience?: Patience,
): Promise<{ copies: number; contents: number }> {
  const query = `SELECT COUNT(*) AS copies, COUNT(DISTINCT entry_hash) AS contents
FROM ${viewRelations(warehouse.bigquery.projectId, warehouse.datasets).arrivals(name)} WHERE log_id = @id`;
  const [row] = await rowsOf(warehouse, { query, params: { id: logId } }, patience);
  return { copies: Number(row?.["copies"] ?? 0), contents: Number(row?.["contents"] ?? 0) };
}

/** The log_id of the last entry of an entity, in the order of its history. */
async function latestOf(
  warehouse: Warehouse,
  name: TableName,
  entityId: string,
  patience?: Patience,
): Promise<string | undefined> {
  const { entity } = tables[name];
  const history = relationsWhere(warehouse.bigquery.projectId, warehouse.datasets, () => `${entity} = @id`).history(
    name,
  );
  const query = `SELECT log_id FROM ${history} WHERE ${entity} = @id
ORDER BY COALESCE(logged_at, published_at) DESC, seq DESC, log_id DESC LIMIT 1`;
  const [row] = await rowsOf(warehouse, { query, params: { id: entityId } }, patience);
  return typeof row?.["log_id"] === "string" ? row["log_id"] : undefined;
}

async function historyOf(
  warehouse: Warehouse,
  name: TableName,
  entityId: string,
  patience?: Patience,
): Promise<Line[]> {
  const { entity } = tables[name];
  const history = relationsWhere(warehouse.bigquery.projectId, warehouse.datasets, () => `${entity} = @id`).history(
    name,
  );
  const order = `ORDER BY COALESCE(logged_at, published_at), seq, log_id LIMIT ${maxHistory + 1}`;
  const query = lineQuery(name, `${history} WHERE ${entity} = @id ${order}`);
  return (await rowsOf(warehouse, { query, params: { id: entityId } }, patience)).map(lineOf);
}

function copyOf(name: TableName, row: PlainRow): Copy {
  const entry = String(row["entry"]);
  const differing = differingColumn(name, row);
  return {
    published_at: String(row["published_at"]),
    message_id: String(row["message_id"]),
    ingested_at: String(row["ingested_at"]),
    entry_hash: String(row["entry_hash"]),
    hash_holds: entryHash(entry) === row["entry_hash"],
    differing: differing ?? null,
  };
}

async function refused(warehouse: Warehouse, { entityId }: Found, patience?: Patience): Promise<Refused> {
  const query = `SELECT dead_letter_id, reason, reason_detail, source_table, source_log_id
FROM ${viewRelations(warehouse.bigquery.projectId, warehouse.datasets).arrivals("dead_letters")} WHERE dead_letter_id = @id LIMIT 1`;
  const [row] = await rowsOf(warehouse, { query, params: { id: entityId } }, patience);
  const text = (name: string): string | null => (typeof row?.[name] === "string" ? row[name] : null);
  return {
    dead_letter_id: entityId,
    reason: text("reason") ?? "",
    reason_detail: text("reason_detail"),
    source_table: text("source_table"),
    source_log_id: text("source_log_id"),
  };
}
