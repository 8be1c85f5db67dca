import { hash } from "node:crypto";
import type { CellValue } from "@indelible/ledger/row-reader.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { CellRow, MemoryWarehouse } from "./memory-warehouse.ts";

type Changes = { readonly [column: string]: CellValue };

/** Somebody with every right over the warehouse, who is up to no good. */
export class Administrator {
  readonly #warehouse: MemoryWarehouse;

  constructor(warehouse: MemoryWarehouse) {
    this.#warehouse = warehouse;
  }

  find(table: TableName, logId: string): CellRow {
    const row = this.#warehouse.rows(table).find((row) => row["log_id"] === logId);
    if (row === undefined) throw new Error(`${table} has no row ${logId}`);
    return row;
  }

  /** Changes columns of a row. */
  update(table: TableName, logId: string, changes: Changes): void {
    const rows = this.#warehouse.rows(table);
    rows[rows.indexOf(this.find(table, logId))] = { ...this.find(table, logId), ...changes };
  }

  /** Changes what an entry says, and its hash with it. */
  rewrite(table: TableName, logId: string, changes: (entry: string) => string): void {
    const entry = changes(this.find(table, logId)["entry"] as string);
    this.update(table, logId, { entry, entry_hash: hash("sha256", entry, "hex") });
  }

  delete(table: TableName, logId: string): CellRow {
    const rows = this.#warehouse.rows(table);
    const [row] = rows.splice(rows.indexOf(this.find(table, logId)), 1);
    return row as CellRow;
  }

  insert(table: TableName, row: CellRow): void {
    this.#warehouse.rows(table).push(row);
  }

  /** Puts a second row beside one, with some columns changed. */
  copy(table: TableName, logId: string, changes: Changes = {}): void {
    this.insert(table, { ...this.find(table, logId), ...changes });
  }

  /** Takes a row to another table, or to another place in its own. */
  move(from: TableName, logId: string, to: TableName, changes: Changes = {}): void {
    this.insert(to, { ...this.delete(from, logId), ...changes });
  }

  truncate(table: TableName): void {
    this.#warehouse.rows(table).length = 0;
  }

  drop(table: TableName): void {
    this.#warehouse.tables.delete(table);
  }
}
