import { lastPosition, openJournalFile } from "./journal-file.ts";
import type { DatabaseSync } from "node:sqlite";
import type { Change } from "./catalog.ts";
import type { Descriptor, StoredEntry } from "./journal-file.ts";
import type { TableRef } from "./sql/translate.ts";

/** What a journal holds when the warehouse starts. It has the file's lock, so nothing is added until `close()`. */
export class JournalReader {
  readonly #database: DatabaseSync;

  /** @throws {Error} when another process has the journal open, or a later version wrote it. */
  constructor(path: string) {
    this.#database = openJournalFile(path);
  }

  /** The position of the newest entry; 0 when there is none. */
  get committedPosition(): number {
    return lastPosition(this.#database);
  }

  /** Every message type that rows are written in. */
  descriptors(): Descriptor[] {
    const statement = this.#database.prepare("SELECT id, lower(hex(hash)) AS hash, descriptor FROM descriptors");
    return statement.all().map((row) => ({
      id: Number(row["id"]),
      hash: String(row["hash"]),
      bytes: row["descriptor"] as Uint8Array,
    }));
  }

  /** The changes up to and including a position, in order. */
  *changesUpTo(position: number): Generator<Change, void, void> {
    const statement = this.#database.prepare(
      "SELECT change FROM entries WHERE change IS NOT NULL AND position <= ? ORDER BY position",
    );
    for (const row of statement.iterate(position)) yield JSON.parse(String(row["change"])) as Change;
  }

  /** The entries after a position, in order. Reads one at a time. */
  *entriesAfter(position: number): Generator<StoredEntry, void, void> {
    const statement = this.#database.prepare("SELECT * FROM entries WHERE position > ? ORDER BY position");
    for (const row of statement.iterate(position)) yield storedEntry(row);
  }

  /** How many rows each explicit stream holds. */
  streamLengths(): Map<string, number> {
    const statement = this.#database.prepare(
      "SELECT stream, sum(row_count) AS length FROM entries WHERE stream IS NOT NULL GROUP BY stream",
    );
    return new Map(statement.all().map((row) => [String(row["stream"]), Number(row["length"])]));
  }

  /** Releases the lock. */
  close(): void {
    this.#database.close();
  }
}

function storedEntry(row: Readonly<Record<string, unknown>>): StoredEntry {
  const position = Number(row["position"]);
  if (row["change"] !== null) {
    return { kind: "change", position, change: JSON.parse(String(row["change"])) as Change };
  }
  return {
    kind: "rows",
    position,
    table: JSON.parse(String(row["table_ref"])) as TableRef,
    descriptorId: Number(row["descriptor_id"]),
    stream: row["stream"] === null ? undefined : String(row["stream"]),
    rowCount: Number(row["row_count"]),
    rows: row["rows"] as Uint8Array,
  };
}
