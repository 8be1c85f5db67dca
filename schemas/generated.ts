import { auditFiles, auditReference } from "./audit-files.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { tableFiles, viewFiles } from "./plain-files.ts";
import { errorsReference, tablesReference } from "./reference.ts";
import { tableNames, tables } from "./tables.ts";

/** Every derived file that is kept in the repository: its path from the root, and its text. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/tables.md", tablesReference()],
    ["docs/errors.md", errorsReference()],
    ["docs/audit-queries.md", auditReference()],
    ...auditFiles(),
    ...viewFiles(),
    ...tableFiles(),
    ...tableNames.map((name): [string, string] => [
      `schemas/json/${name}.schema.json`,
      `${JSON.stringify(jsonSchemaOf(tables[name]), null, 2)}\n`,
    ]),
  ]);
}
