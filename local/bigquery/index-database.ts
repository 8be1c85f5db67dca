import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { logToStderr as log } from "../log.ts";
import { CLOCK_VARIABLE, macros } from "./sql/translate.ts";
import type { DuckDBConnection } from "@duckdb/node-api";

const FILE_NAME = "index.duckdb";
/** The DuckDB database that is the file; unqualified names are in it. */
const INDEX_CATALOG = "warehouse";
/** The DuckDB database that is in memory, and on disk beyond it: query results wait there to be fetched. */
export const RESULTS_CATALOG = "memory";
/**
 * The warehouse's own bookkeeping: the highest value is the position. Rows are added, because a transaction that is older than an update is in
 * the way of every checkpoint. No dataset is in this schema: theirs have a dot in their names.
 */
const POSITION_TABLE = "_indelible.position";

const settings: Readonly<Record<string, string>> = {
  memory_limit: "1GB",
  max_temp_directory_size: "20GB",
  /** The applier decides when: at DuckDB's own 16 MB a row costs 26 us of CPU, where it takes 12. */
  checkpoint_threshold: "1TB",
  /** Of 1.5 KB rows, 6 % more are stored in a second, for a file that is 7 % larger; FSST and zstd cost 7 us a row more still. */
  force_compression: "uncompressed",
  /** SQL that has come through the translator cannot name a file or an extension; this is the second lock on that door. */
  enable_external_access: "false",
  autoinstall_known_extensions: "false",
  autoload_known_extensions: "false",
};

/** An opened index: DuckDB, and the journal position whose entries it holds. */
export type IndexDatabase = {
  readonly instance: DuckDBInstance;
  readonly position: number;
};

/**
 * Opens the index of a warehouse. It holds nothing that the journal does not: one that does not open, or that is ahead
 * of the journal, is moved aside, with a notice, and an empty one takes its place.
 */
export async function openIndex(dataDirectory: string, journalPosition: number): Promise<IndexDatabase> {
  const path = join(dataDirectory, FILE_NAME);
  const index = await openUsable(path, journalPosition);
  // Apart from the opening: macros that fail are a fault of ours and say nothing about the file.
  const connection = await index.instance.connect();
  await prepareSession(connection);
  for (const macro of macros) await connection.run(macro);
  connection.closeSync();
  return index;
}

async function openUsable(path: string, journalPosition: number): Promise<IndexDatabase> {
  try {
    const opened = await open(path);
    if (opened.position <= journalPosition) return opened;
    opened.instance.closeSync();
    moveAside(path, `it is at entry ${opened.position} and the journal at ${journalPosition}`);
  } catch (error) {
    if (!existsSync(path)) throw error;
    moveAside(path, error instanceof Error ? error.message : String(error));
  }
  return open(path);
}

/**
 * The file is written by checkpoints only. DuckDB's own log would say once more what the journal says (2 us a row), and is
 * what does not open after some crashes. After a crash the file is as it was at its last checkpoint, position included.
 */
async function open(path: string): Promise<IndexDatabase> {
  const temporary = `${path}.tmp`;
  mkdirSync(temporary, { recursive: true });
  const instance = await DuckDBInstance.create(":memory:", { temp_directory: temporary });
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS ${INDEX_CATALOG} (RECOVERY_MODE no_wal_writes)`);
    for (const [name, value] of Object.entries(settings)) await connection.run(`SET GLOBAL ${name} = '${value}'`);
    await prepareSession(connection);
    await connection.run("CREATE SCHEMA IF NOT EXISTS _indelible");
    await connection.run(`CREATE TABLE IF NOT EXISTS ${POSITION_TABLE} (value BIGINT NOT NULL)`);
    const rows = (await connection.runAndReadAll(`SELECT max(value) FROM ${POSITION_TABLE}`)).getRows();
    const position = Number(rows[0]?.[0] ?? 0);
    await connection.run(`DELETE FROM ${POSITION_TABLE} WHERE value < ${position}`);
    connection.closeSync();
    return { instance, position };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

/** Settings that belong to a connection. */
export async function prepareSession(connection: DuckDBConnection): Promise<void> {
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`USE ${INDEX_CATALOG}`);
}

/** What the connection's statements take for the present, in milliseconds since 1970. Without it, the machine's clock. */
export async function setClock(connection: DuckDBConnection, nowMs: number): Promise<void> {
  await connection.run(`SET VARIABLE ${CLOCK_VARIABLE} = make_timestamptz(${Math.floor(nowMs * 1000)})`);
}

/** Writes everything that is applied into the file. Queries may run meanwhile; nothing may be written. */
export async function checkpoint(connection: DuckDBConnection): Promise<void> {
  await connection.run(`CHECKPOINT ${INDEX_CATALOG}`);
}

/** Stores the position, in the transaction that applied the entries up to it. */
export async function storePosition(connection: DuckDBConnection, position: number): Promise<void> {
  await connection.run(`INSERT INTO ${POSITION_TABLE} VALUES (${position})`);
}

function moveAside(path: string, reason: string): void {
  const suffix = `unusable-${Date.now()}`;
  for (const file of [path, `${path}.wal`]) if (existsSync(file)) renameSync(file, `${file}.${suffix}`);
  log(
    "WARNING",
    "The index could not be used. It was moved aside and is built anew from the journal; no row is lost.",
    {
      reason,
      movedTo: `${path}.${suffix}`,
    },
  );
}
