import { status } from "@grpc/grpc-js";
import { StatusError } from "../storage-write/status.ts";
import type { TableRef } from "../sql/translate.ts";
import type { TableField, TableSchema } from "../table-schema.ts";
import type { CreateSessionRequest, ReadOptions } from "./wire.ts";

/** Longer ones do not fit the audit's records. */
const projectPattern = /^projects\/([^/]{1,256})$/;
const tablePattern = /^projects\/([^/]+)\/datasets\/([^/]+)\/tables\/([^/]+)$/;

export type SessionRequest = {
  /** The project that the session is in. */
  readonly projectId: string;
  readonly table: TableRef;
  readonly options: ReadOptions;
};

/**
 * What a request to create a session asks for.
 * @throws {StatusError} INVALID_ARGUMENT, or UNIMPLEMENTED for what BigQuery has and this warehouse does not.
 */
export function parseSessionRequest({
  parent = "",
  readSession,
  maxStreamCount = 0,
}: CreateSessionRequest): SessionRequest {
  const projectId = projectPattern.exec(parent)?.[1];
  if (projectId === undefined)
    throw invalid(`${JSON.stringify(parent)} is not the name of a project: use projects/PROJECT.`);
  if (readSession === undefined || readSession === null) throw invalid("The request has no read_session.");
  if (maxStreamCount < 0) throw invalid("max_stream_count must not be negative.");
  const { dataFormat = "DATA_FORMAT_UNSPECIFIED", table = "", tableModifiers } = readSession;
  if (dataFormat === "AVRO") throw unimplemented("rows as AVRO", "use data_format ARROW");
  if (dataFormat !== "ARROW") throw invalid(`data_format is ${dataFormat}: use ARROW.`);
  const [, tableProject, datasetId, tableId] = tablePattern.exec(table) ?? [];
  if (tableProject === undefined || datasetId === undefined || tableId === undefined) {
    throw invalid(
      `${JSON.stringify(table)} is not the name of a table: use projects/PROJECT/datasets/DATASET/tables/TABLE.`,
    );
  }
  if (tableModifiers?.snapshotTime) throw unimplemented("table_modifiers.snapshot_time", "read the table as it is now");
  const options = readSession.readOptions ?? {};
  checkOptions(options);
  return { projectId, table: { projectId: tableProject, datasetId, tableId }, options };
}

function checkOptions(options: ReadOptions): void {
  const { arrowSerializationOptions, avroSerializationOptions, samplePercentage, responseCompressionCodec } = options;
  if (avroSerializationOptions) throw invalid("avro_serialization_options are for data_format AVRO.");
  if (isSet(arrowSerializationOptions?.bufferCompression, "COMPRESSION_UNSPECIFIED")) {
    throw unimplemented("arrow_serialization_options.buffer_compression", "leave it out");
  }
  if (isSet(responseCompressionCodec, "RESPONSE_COMPRESSION_CODEC_UNSPECIFIED")) {
    throw unimplemented("response_compression_codec", "leave it out");
  }
  if (samplePercentage !== undefined) throw unimplemented("sample_percentage", "read all rows");
}

function isSet(value: string | undefined, unset: string): boolean {
  return value !== undefined && value !== unset;
}

/**
 * The columns that are asked for, in the table's order; all of them when none is.
 * @throws {StatusError} INVALID_ARGUMENT when the table has no such column.
 */
export function selectFields(schema: TableSchema, selected: readonly string[]): TableSchema {
  if (selected.length === 0) return schema;
  const fields = select(
    schema.fields,
    selected.map((name) => name.split(".")),
    "",
  );
  return { fields };
}

function select(fields: readonly TableField[], paths: readonly (readonly string[])[], parent: string): TableField[] {
  const byName = Map.groupBy(paths, ([name = ""]) => name.toLowerCase());
  const chosen = fields.flatMap((field) => {
    const here = byName.get(field.name.toLowerCase());
    if (here === undefined) return [];
    byName.delete(field.name.toLowerCase());
    const inner = here.map((path) => path.slice(1));
    if (inner.some((path) => path.length === 0)) return [field];
    return [{ ...field, fields: select(field.fields ?? [], inner, `${parent}${field.name}.`) }];
  });
  const [unknown] = byName.values();
  if (unknown !== undefined) {
    const name = `${parent}${unknown[0]?.join(".") ?? ""}`;
    throw invalid(`request failed: The following selected fields do not exist in the table schema: ${name}`);
  }
  return chosen;
}

function invalid(message: string): StatusError {
  return new StatusError(status.INVALID_ARGUMENT, message);
}

function unimplemented(what: string, instead: string): StatusError {
  return new StatusError(status.UNIMPLEMENTED, `This warehouse does not support ${what}: ${instead}.`);
}
