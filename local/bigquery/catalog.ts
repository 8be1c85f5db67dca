import { WarehouseError } from "./errors.ts";
import { quoteName } from "./table-schema.ts";
import type { Statement } from "./query/engine.ts";
import type { TableRef } from "./sql/translate.ts";
import type { DayPartitioning, Days } from "./partitions.ts";
import type { TableSchema } from "./table-schema.ts";

export type DatasetRef = { readonly projectId: string; readonly datasetId: string };
export type DatasetSettings = {
  readonly friendlyName?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly location: string;
  readonly defaultTableExpirationMs?: string;
};
export type TableSettings = {
  readonly friendlyName?: string;
  readonly description?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly expirationTime?: string;
  readonly timePartitioning?: Readonly<Record<string, unknown>>;
  readonly clustering?: Readonly<Record<string, unknown>>;
  readonly requirePartitionFilter?: boolean;
};

export type Dataset = DatasetRef & {
  readonly settings: DatasetSettings;
  readonly createdMs: number;
  readonly modifiedMs: number;
};
export type Table = {
  readonly ref: TableRef;
  readonly schema: TableSchema;
  readonly settings: TableSettings;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** The GoogleSQL text. Set: this is a view. */
  readonly viewQuery?: string;
};
export type WriteStream = {
  readonly name: string;
  readonly table: TableRef;
  readonly createdMs: number;
  readonly finalized: boolean;
};

/** Everything that happens to the warehouse apart from rows. These are stored as JSON and read by later versions. */
export type Change =
  | { readonly kind: "putDataset"; readonly dataset: Dataset }
  | { readonly kind: "deleteDataset"; readonly ref: DatasetRef }
  | { readonly kind: "putTable"; readonly table: Table }
  | { readonly kind: "deleteTable"; readonly ref: TableRef }
  | { readonly kind: "putStream"; readonly stream: WriteStream }
  | PartitionsChange
  | StatementChange;

/**
 * Rows of whole days that left a table: because their time was over, by the clock and the setting of then, or because somebody took a partition
 * away. What stands here is done again when the index is built anew, without asking a clock.
 */
export type PartitionsChange = {
  readonly kind: "removePartitions";
  readonly ref: TableRef;
  /** When it happened, in milliseconds since 1970. */
  readonly atMs: number;
  /** Who took the partition away; undefined: its time was over. */
  readonly principal?: string;
} & Pick<DayPartitioning, "field" | "type"> &
  Days;

/**
 * A statement that changes one table, as it was sent: INSERT, UPDATE, DELETE, TRUNCATE TABLE or CREATE TABLE AS. It was tried out on all that
 * comes before it in the journal, so that it succeeds whenever that is replayed.
 */
export type StatementChange = {
  readonly kind: "statement";
  readonly statement: Statement;
  readonly target: TableRef;
  /** What the statement takes for the present, in milliseconds since 1970. */
  readonly atMs: number;
  /** Who sent it. */
  readonly principal: string;
  /** The target from then on, when the statement creates or replaces it. */
  readonly table?: Table;
};

export function tablePath(ref: TableRef): string {
  return `projects/${ref.projectId}/datasets/${ref.datasetId}/tables/${ref.tableId}`;
}

/** How BigQuery writes a table's name in messages: `project:dataset.table`. */
export function tableName(ref: TableRef): string {
  return `${ref.projectId}:${ref.datasetId}.${ref.tableId}`;
}

/** The DuckDB schema that holds a dataset, quoted. */
export function duckdbSchema(ref: DatasetRef): string {
  return quoteName(`${ref.projectId}.${ref.datasetId}`);
}

/** The DuckDB name of a table or view, quoted. */
export function duckdbTable(ref: TableRef): string {
  return `${duckdbSchema(ref)}.${quoteName(ref.tableId)}`;
}

const datasetKey = (ref: DatasetRef): string => `${ref.projectId}.${ref.datasetId}`;
const tableKey = (ref: TableRef): string => `${ref.projectId}.${ref.datasetId}.${ref.tableId}`;

/**
 * The datasets, tables, views and streams that exist: the journal's changes, folded. Owner: the warehouse, which passes
 * every change here in the journal's order and nowhere else.
 */
export class Catalog {
  readonly #datasets = new Map<string, Dataset>();
  readonly #tables = new Map<string, Table>();
  readonly #streams = new Map<string, WriteStream>();

  apply(change: Change): void {
    switch (change.kind) {
      case "putDataset":
        this.#datasets.set(datasetKey(change.dataset), change.dataset);
        return;
      case "deleteDataset":
        this.#datasets.delete(datasetKey(change.ref));
        return;
      case "putTable":
        this.#tables.set(tableKey(change.table.ref), change.table);
        return;
      case "deleteTable":
        this.#forget(change.ref);
        return;
      case "putStream":
        this.#streams.set(change.stream.name, change.stream);
        return;
      case "removePartitions":
        return;
      case "statement":
        if (change.table === undefined) return;
        this.#forget(change.target);
        this.#tables.set(tableKey(change.target), change.table);
    }
  }

  #forget(ref: TableRef): void {
    this.#tables.delete(tableKey(ref));
    for (const stream of this.#streams.values()) {
      if (tableKey(stream.table) === tableKey(ref)) this.#streams.delete(stream.name);
    }
  }

  findDataset(ref: DatasetRef): Dataset | undefined {
    return this.#datasets.get(datasetKey(ref));
  }

  findTable(ref: TableRef): Table | undefined {
    return this.#tables.get(tableKey(ref));
  }

  findStream(name: string): WriteStream | undefined {
    return this.#streams.get(name);
  }

  /** @throws {WarehouseError} notFound */
  dataset(ref: DatasetRef): Dataset {
    const dataset = this.findDataset(ref);
    if (dataset === undefined)
      throw new WarehouseError("notFound", `Not found: Dataset ${ref.projectId}:${ref.datasetId}`);
    return dataset;
  }

  /** @throws {WarehouseError} notFound */
  table(ref: TableRef): Table {
    const table = this.findTable(ref);
    if (table === undefined) throw new WarehouseError("notFound", `Not found: Table ${tableName(ref)}`);
    return table;
  }

  /** The tables of all datasets, without views. */
  everyTable(): readonly Table[] {
    return [...this.#tables.values()].filter(({ viewQuery }) => viewQuery === undefined);
  }

  /** The datasets of a project, by name. */
  datasets(projectId: string): readonly Dataset[] {
    return [...this.#datasets.values()]
      .filter((dataset) => dataset.projectId === projectId)
      .toSorted((a, b) => (a.datasetId < b.datasetId ? -1 : 1));
  }

  /** The tables and views of a dataset, by name. */
  tables(ref: DatasetRef): readonly Table[] {
    return [...this.#tables.values()]
      .filter((table) => datasetKey(table.ref) === datasetKey(ref))
      .toSorted((a, b) => (a.ref.tableId < b.ref.tableId ? -1 : 1));
  }

  /**
   * A table whose name differs from this one in letter case at most. BigQuery tells such names apart and DuckDB does
   * not, so the warehouse has one of them only.
   */
  sameTable(ref: TableRef): Table | undefined {
    const name = ref.tableId.toLowerCase();
    return this.tables(ref).find((table) => table.ref.tableId.toLowerCase() === name);
  }

  /** Like `sameTable`, for a dataset. */
  sameDataset(ref: DatasetRef): Dataset | undefined {
    const name = datasetKey(ref).toLowerCase();
    return [...this.#datasets.values()].find((dataset) => datasetKey(dataset).toLowerCase() === name);
  }
}
