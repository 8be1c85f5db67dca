import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import { IndelibleError } from "./errors.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { tables, type Event, type TableName } from "./tables.ts";
import { parseTimestamp } from "./timestamp.ts";

const ajv = new Ajv({ strict: true, allowUnionTypes: true });
ajv.addFormat("date-time", { type: "string", validate: (text: string) => parseTimestamp(text) !== undefined });
ajv.addFormat("uuid", /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);

const compiled = new Map<TableName, ValidateFunction>();

/**
 * Checks that `value` is an event of `table`: types, required columns, enums, ranges, lengths, formats, no unknown field.
 * The validator is compiled on the first use of a table.
 *
 * @throws ERR_INVALID_EVENT or ERR_UNKNOWN_FIELD; the message names the first field at fault, never its content
 */
export function assertEvent(table: TableName, value: unknown): asserts value is Event {
  let validate = compiled.get(table);
  if (validate === undefined) compiled.set(table, (validate = ajv.compile(jsonSchemaOf(tables[table]))));
  if (validate(value)) return;
  throw explain(table, validate.errors?.[0]);
}

function explain(table: TableName, error: ErrorObject | undefined): IndelibleError {
  const place =
    error?.instancePath === undefined || error.instancePath === ""
      ? "the event"
      : error.instancePath.slice(1).replaceAll("/", ".");
  const params = (error?.params ?? {}) as { [name: string]: unknown };
  switch (error?.keyword) {
    case "additionalProperties":
      return new IndelibleError(
        "ERR_UNKNOWN_FIELD",
        `${place} has the field ${JSON.stringify(params["additionalProperty"])}, which ${table} does not`,
      );
    case "required":
      return new IndelibleError("ERR_INVALID_EVENT", `${place} lacks ${String(params["missingProperty"])}`);
    case "enum":
      return new IndelibleError(
        "ERR_INVALID_EVENT",
        `${place} must be one of ${JSON.stringify(params["allowedValues"])}`,
      );
    case "format":
      return new IndelibleError(
        "ERR_INVALID_EVENT",
        `${place} must be ${formats[String(params["format"])] ?? "well-formed"}`,
      );
    default:
      return new IndelibleError("ERR_INVALID_EVENT", `${place} ${error?.message ?? "is not valid"}`);
  }
}

const formats: { readonly [format: string]: string } = {
  "date-time": "an RFC 3339 timestamp with an offset, such as 2026-01-31T09:30:00.123456Z",
  uuid: "a lower-case UUID",
};
