/** What only some publishers need, loaded when they are made: construction fails at once or not at all, so it cannot be awaited. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { TableName } from "@indelible/schemas/tables.ts";
import { moduleUrl } from "./modules.ts";

/** Throws ERR_INVALID_EVENT or ERR_UNKNOWN_FIELD. */
export function loadEventCheck(): (table: TableName, event: unknown) => void {
  return load<{ readonly assertEvent: (table: TableName, event: unknown) => void }>("check-event").assertEvent;
}

/** Throws ERR_CONFIG. */
export function loadRedactionCheck(): (options: unknown) => void {
  return load<{ readonly assertRedactionOptions: (options: unknown) => void }>("check-redaction")
    .assertRedactionOptions;
}

function load<T>(path: string): T {
  return createRequire(import.meta.url)(fileURLToPath(moduleUrl(path))) as T;
}
