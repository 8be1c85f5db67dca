/**
 * The whole declaration as plain data: what a release writes down, and what the next one is compared with. It holds what a limit comes to, not how it is
 * declared: a default that changes is a change of every column that goes by it.
 */
import { Ajv } from "ajv";
import { bigQueryTableOf, retentionDaysOf } from "./bigquery.ts";
import { DEFAULT_MAX_LENGTH, type Column, type Columns } from "./columns.ts";
import { recordedColumns, stampedColumns } from "./system-columns.ts";
import { tableNames, tables, type Table } from "./tables.ts";
import { declaredTopics } from "./topics.ts";
import { viewsOf } from "./views.ts";

export interface ColumnSnapshot {
  readonly type: Column["type"];
  readonly required: boolean;
  readonly description: string;
  readonly enum?: readonly string[];
  /** Code points, of strings. */
  readonly maxLength?: number;
  readonly format?: "uuid";
  readonly preview?: true;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Of arrays. */
  readonly items?: ColumnSnapshot;
  /** Of structs. */
  readonly fields?: ColumnsSnapshot;
}

/** In the order of the declaration. */
export type ColumnsSnapshot = { readonly [name: string]: ColumnSnapshot };

export interface TableSnapshot {
  readonly version: number;
  readonly kind: Table["kind"];
  readonly description: string;
  readonly entity: string;
  readonly occurredAt: string;
  /** The column whose days are the partitions. */
  readonly partitionBy: string;
  readonly clusterBy: readonly string[];
  readonly retentionDays: number;
  /** Its own, without the system columns. */
  readonly columns: ColumnsSnapshot;
}

export interface Snapshot {
  /** Version of the release, `major.minor.patch`; of what is not released yet, `next`. */
  readonly release: string;
  /** The columns of every table that the publisher sets, and those that are recorded on the way. */
  readonly system: { readonly stamped: ColumnsSnapshot; readonly recorded: ColumnsSnapshot };
  readonly tables: { readonly [name: string]: TableSnapshot };
  /** The columns of each view of the dataset that people read. */
  readonly views: { readonly [name: string]: readonly string[] };
  /** IDs of the topics, with the default prefix. */
  readonly topics: readonly string[];
}

/** The declaration as it is now. @param release what to call it */
export function snapshotOf(release: string): Snapshot {
  return {
    release,
    system: { stamped: columnsOf(stampedColumns), recorded: columnsOf(recordedColumns) },
    tables: Object.fromEntries(tableNames.map((name) => [name, tableOf(tables[name])])),
    views: Object.fromEntries(viewsOf("any-project").map(({ name, columns }) => [name, columns])),
    topics: declaredTopics().map(({ id }) => id),
  };
}

function tableOf(table: Table): TableSnapshot {
  const { version, kind, description, entity, occurredAt, columns } = table;
  const { timePartitioning, clustering } = bigQueryTableOf(table);
  return {
    version,
    kind,
    description,
    entity,
    occurredAt,
    partitionBy: timePartitioning.field,
    clusterBy: clustering.fields,
    retentionDays: retentionDaysOf(table),
    columns: columnsOf(columns),
  };
}

function columnsOf(columns: Columns): ColumnsSnapshot {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, columnOf(column)]));
}

function columnOf(column: Column): ColumnSnapshot {
  const { type, description } = column;
  return { type, required: column.required === true, description, ...limitsOf(column) };
}

function limitsOf(column: Column): Partial<ColumnSnapshot> {
  switch (column.type) {
    case "string":
      return {
        ...(column.enum !== undefined && { enum: column.enum }),
        maxLength: column.maxLength ?? DEFAULT_MAX_LENGTH,
        ...(column.format !== undefined && { format: column.format }),
        ...(column.preview !== undefined && { preview: column.preview }),
      };
    case "int64":
      return {
        minimum: column.minimum ?? Number.MIN_SAFE_INTEGER,
        maximum: column.maximum ?? Number.MAX_SAFE_INTEGER,
      };
    case "float64":
      return {
        ...(column.minimum !== undefined && { minimum: column.minimum }),
        ...(column.maximum !== undefined && { maximum: column.maximum }),
      };
    case "array":
      return { items: columnOf(column.items) };
    case "struct":
      return { fields: columnsOf(column.fields) };
    default:
      return {};
  }
}

/** As a file: stable, one column a few lines, so that a diff shows what a release has changed. */
export function snapshotText(snapshot: Snapshot): string {
  const text = JSON.stringify(snapshot, null, 2);
  // Lists of names on one line where there is room, which is how the formatter has them.
  const lists = /(.*)\[\n\s+((?:"[^"\n]*",?\s*)+)\]/g;
  const joined = text.replaceAll(lists, (whole: string, before: string, items: string) => {
    const line = `${before}[${items.trim().replaceAll(/\s*\n\s*/g, " ")}]`;
    return line.length < 120 ? line : whole;
  });
  return `${joined}\n`;
}

const columns = { type: "object", additionalProperties: { $ref: "#/definitions/column" } };
const texts = { type: "array", items: { type: "string" } };
const tableMembers: readonly (keyof TableSnapshot)[] = [
  "version",
  "kind",
  "description",
  "entity",
  "occurredAt",
  "partitionBy",
  "clusterBy",
  "retentionDays",
  "columns",
];

const isSnapshot = new Ajv({ strict: true }).compile<Snapshot>({
  definitions: {
    column: {
      type: "object",
      required: ["type", "required", "description"],
      properties: {
        type: { enum: ["string", "timestamp", "int64", "float64", "bool", "json", "array", "struct"] },
        required: { type: "boolean" },
        description: { type: "string" },
        enum: texts,
        maxLength: { type: "integer" },
        format: { const: "uuid" },
        preview: { const: true },
        minimum: { type: "number" },
        maximum: { type: "number" },
        items: { $ref: "#/definitions/column" },
        fields: columns,
      },
      additionalProperties: false,
    },
  },
  type: "object",
  required: ["release", "system", "tables", "views", "topics"],
  properties: {
    release: { type: "string" },
    system: {
      type: "object",
      required: ["stamped", "recorded"],
      properties: { stamped: columns, recorded: columns },
      additionalProperties: false,
    },
    tables: {
      type: "object",
      additionalProperties: {
        type: "object",
        required: tableMembers,
        properties: {
          version: { type: "integer" },
          kind: { enum: ["log", "system"] },
          description: { type: "string" },
          entity: { type: "string" },
          occurredAt: { type: "string" },
          partitionBy: { type: "string" },
          clusterBy: texts,
          retentionDays: { type: "integer" },
          columns,
        },
        additionalProperties: false,
      },
    },
    views: { type: "object", additionalProperties: texts },
    topics: texts,
  },
  additionalProperties: false,
});

/** A snapshot of its text; undefined when it is none. */
export function parseSnapshot(text: string): Snapshot | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isSnapshot(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
