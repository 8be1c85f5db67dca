import { WarehouseError } from "../errors.ts";
import { MAX_STATEMENT_LENGTH, tooLong } from "../sql/translate.ts";
import { isRecord } from "../table-schema.ts";
import { optionalText, refuseOthers } from "./request.ts";
import type { DatasetRef } from "../catalog.ts";
import type { Statement } from "../query/engine.ts";
import type { QueryParameter, QueryParameterType } from "../sql/translate.ts";
import type { Body } from "./request.ts";

/** What has no effect on an answer, here or there. */
const harmless = ["useLegacySql", "useQueryCache", "priority", "labels", "maximumBytesBilled", "allowLargeResults"];
const meaningful = ["query", "defaultDataset", "queryParameters", "parameterMode"];

/**
 * Reads the statement of a query request (`jobs.query`, or `configuration.query` of `jobs.insert`). `others` are the
 * fields that the caller reads itself.
 * @throws {WarehouseError}
 */
export function readStatement(body: Body, projectId: string, others: readonly string[] = []): Statement {
  refuseOthers(body, new Set([...harmless, ...meaningful, ...others]), "query");
  if (body["useLegacySql"] === true)
    throw new WarehouseError("invalid", "This warehouse speaks GoogleSQL: set useLegacySql to false.");
  const query = optionalText(body["query"], "query");
  if (query === undefined || query.trim() === "")
    throw new WarehouseError("invalid", "Required parameter is missing: query");
  // Before anything reads it: 10 MB take two seconds and a gigabyte.
  if (query.length > MAX_STATEMENT_LENGTH) throw new WarehouseError("invalidQuery", tooLong);
  const parameters = readParameters(body["queryParameters"]);
  return {
    query,
    projectId,
    defaultDataset: readDataset(body["defaultDataset"], projectId),
    parameters,
    parameterMode: readParameterMode(body["parameterMode"], parameters),
  };
}

function readDataset(value: unknown, projectId: string): DatasetRef | undefined {
  if (value === undefined || value === null) return undefined;
  const datasetId = isRecord(value) ? optionalText(value["datasetId"], "defaultDataset.datasetId") : undefined;
  if (!isRecord(value) || datasetId === undefined)
    throw new WarehouseError("invalid", "defaultDataset has no datasetId.");
  return { projectId: optionalText(value["projectId"], "defaultDataset.projectId") ?? projectId, datasetId };
}

function readParameters(value: unknown): QueryParameter[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new WarehouseError("invalid", "queryParameters is not a list.");
  return value.map((parameter: unknown) => {
    if (!isRecord(parameter)) throw new WarehouseError("invalid", "A query parameter is an object.");
    const name = optionalText(parameter["name"], "queryParameters.name");
    const type = readParameterType(parameter["parameterType"], name ?? "?");
    return { ...(name === undefined || name === "" ? {} : { name }), type, value: parameter["parameterValue"] };
  });
}

function readParameterType(value: unknown, name: string): QueryParameterType {
  const type = isRecord(value) ? optionalText(value["type"], "parameterType.type") : undefined;
  if (!isRecord(value) || type === undefined) throw new WarehouseError("invalid", `Parameter ${name} has no type.`);
  const { arrayType, structTypes } = value;
  return {
    type,
    ...(arrayType === undefined ? {} : { arrayType: readParameterType(arrayType, name) }),
    ...(Array.isArray(structTypes)
      ? { structTypes: structTypes.map((field: unknown) => readStructType(field, name)) }
      : {}),
  };
}

function readStructType(value: unknown, name: string): { name?: string; type: QueryParameterType } {
  if (!isRecord(value)) throw new WarehouseError("invalid", `Parameter ${name} has a field that is no object.`);
  const fieldName = optionalText(value["name"], "structTypes.name");
  return { ...(fieldName === undefined ? {} : { name: fieldName }), type: readParameterType(value["type"], name) };
}

function readParameterMode(value: unknown, parameters: readonly QueryParameter[]): Statement["parameterMode"] {
  const mode = optionalText(value, "parameterMode")?.toUpperCase();
  if (mode === "NAMED" || mode === "POSITIONAL") return mode;
  if (mode !== undefined && mode !== "" && mode !== "NONE") {
    throw new WarehouseError("invalid", `Invalid value for parameterMode: ${mode}`);
  }
  if (parameters.length === 0) return "NONE";
  return parameters[0]?.name === undefined ? "POSITIONAL" : "NAMED";
}

const MAX_LABELS = 64;
/** Letters are lower case or of a script without case. https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements */
const labelKey = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{M}\p{N}_-]{0,62}$/u;
const labelValue = /^[\p{Ll}\p{Lo}\p{M}\p{N}_-]{0,63}$/u;

/** Labels of a job. @throws {WarehouseError} invalid: not what BigQuery takes */
export function readLabels(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  if (!isRecord(value)) throw new WarehouseError("invalid", "Labels are an object of strings.");
  const labels = Object.entries(value);
  if (labels.length > MAX_LABELS) {
    throw new WarehouseError("invalid", `A job has at most ${MAX_LABELS} labels, not ${labels.length}.`);
  }
  return Object.fromEntries(
    labels.map(([key, text]) => {
      if (!labelKey.test(key)) throw new WarehouseError("invalid", `Label key ${JSON.stringify(key)}: ${labelRule}`);
      if (typeof text !== "string" || !labelValue.test(text)) {
        throw new WarehouseError("invalid", `The value of label ${JSON.stringify(key)}: ${labelRule}`);
      }
      return [key, text];
    }),
  );
}

const labelRule = "lower-case letters, digits, _ and -, at most 63; a key begins with a letter.";
