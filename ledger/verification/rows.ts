/** Looks at rows one by one: whether an entry has its hash, whether the typed columns say what it says, and what leaf the row is. */
import { hash } from "node:crypto";
import type { TableName } from "@indelible/schemas/tables.ts";
import { leafData } from "../leaf.ts";
import { projectionOf, type Differ } from "../projection.ts";
import type { BatchColumn, RowBatch } from "../row-reader.ts";
import { isText, jsonOf, textAt, textOf } from "./cells.ts";
import { shown } from "./checkpoints.ts";
import type { FindingList } from "./finding-list.ts";

/** A row as its window's tree has it. */
export interface Member {
  /** The row's identity, as leaf.ts writes it. A column that is NULL all the same is "" or 0, as the sealer has it. */
  readonly leaf: string;
  readonly logId: string;
  /** Microseconds since 1970; exact, because a window is. */
  readonly ingestedAt: number;
  /** Whether it has been said already that the row is modified. */
  readonly isReported: boolean;
}

const MAX_ID = 200;

/** The rows of one batch. */
export class BatchRows {
  readonly #table: TableName;
  readonly #findings: FindingList;
  readonly #differ: Differ;
  readonly #entry: BatchColumn;
  readonly #entryHash: BatchColumn;
  readonly #logId: BatchColumn;
  readonly #messageId: BatchColumn;
  readonly #publishedAt: BatchColumn;
  readonly #ingestedAt: BatchColumn;

  /** @param batch with all columns of the table */
  constructor(table: TableName, batch: RowBatch, findings: FindingList) {
    this.#table = table;
    this.#findings = findings;
    this.#differ = projectionOf(table)(batch);
    this.#entry = batch.column("entry");
    this.#entryHash = batch.column("entry_hash");
    this.#logId = batch.column("log_id");
    this.#messageId = batch.column("message_id");
    this.#publishedAt = batch.column("published_at");
    this.#ingestedAt = batch.column("ingested_at");
  }

  ingestedAt(row: number): bigint | undefined {
    return this.#ingestedAt.int64(row);
  }

  logId(row: number): string {
    return textAt(this.#logId, row) ?? "";
  }

  entryHash(row: number): string {
    return textAt(this.#entryHash, row) ?? "";
  }

  /** Holds the row against itself. Returns false when its entry is not what was hashed; all that it finds is added to the findings. */
  check(row: number): boolean {
    const entry = this.#entry.bytes(row);
    const said = this.#entryHash.bytes(row);
    const actual = entry === undefined ? undefined : hash("sha256", entry, "hex");
    if (entry === undefined || actual === undefined || said === undefined || !isText(said, actual)) {
      const stored = said === undefined ? undefined : textOf(said);
      const has = actual === undefined ? "the row has no entry" : `the entry has the hash ${actual}`;
      const says = stored === undefined ? "entry_hash is NULL" : `entry_hash says ${shown(stored)}`;
      this.#add("modified", row, `${has}, ${says}`);
      return false;
    }
    const column = this.#differ(jsonOf(entry), row);
    if (column === "schema_version") {
      const message =
        "schema_version is none that this version of Indelible knows: verify with one as new as the subscriber";
      this.#add("projection-differs", row, message);
    } else if (column !== undefined) {
      this.#add("projection-differs", row, `the column ${shown(column)} does not say what the entry says`);
    }
    return true;
  }

  /** @param ingestedAt the row's own */
  member(row: number, ingestedAt: bigint, isReported: boolean): Member {
    const logId = this.logId(row);
    const leaf = leafData({
      table: this.#table,
      logId,
      entryHash: this.entryHash(row),
      publishedAt: this.#publishedAt.int64(row) ?? 0n,
      messageId: textAt(this.#messageId, row) ?? "",
      ingestedAt,
    });
    return { leaf, logId, ingestedAt: Number(ingestedAt), isReported };
  }

  #add(code: "modified" | "projection-differs", row: number, message: string): void {
    this.#findings.add({ code, message, table: this.#table, ...named(this.logId(row)) });
  }
}

/** The `logId` of a finding: a row that has none is not named, and a forged one may be of any length. */
export function named(logId: string): { readonly logId?: string } {
  if (logId === "") return {};
  return { logId: logId.length > MAX_ID ? `${logId.slice(0, MAX_ID)}…` : logId };
}
