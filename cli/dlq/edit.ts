import { readFileSync } from "node:fs";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { accessLogId, isLogEntry } from "@indelible/schemas/log-entry.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { applyPatch, type Patch } from "rfc6902";
import { isObject } from "../json.ts";
import { messageOf } from "../terminal/failure.ts";
import { FILL_IN } from "./advice.ts";
import type { Letter } from "./letter.ts";

/** It is stored with each review. */
const maxPatchBytes = 64 * 1024;

/**
 * A JSON Patch from a file, or from the text itself where that begins with a bracket.
 *
 * @throws ERR_PATCH, ERR_CONFIG
 */
export function readPatch(fileOrJson: string): Patch {
  const text = fileOrJson.trimStart().startsWith("[") ? fileOrJson : fileText(fileOrJson);
  if (Buffer.byteLength(text) > maxPatchBytes) {
    throw new IndelibleError("ERR_PATCH", `the patch is longer than ${maxPatchBytes} bytes`);
  }
  let patch: unknown;
  try {
    patch = JSON.parse(text);
  } catch (cause) {
    if (text.includes(FILL_IN)) throw notFilledIn();
    throw new IndelibleError("ERR_PATCH", "the patch is not JSON", { cause });
  }
  if (Array.isArray(patch) && patch.some((operation) => isObject(operation) && operation["path"] === `/${FILL_IN}`))
    throw notFilledIn();
  if (!isPatch(patch)) throw new IndelibleError("ERR_PATCH", "the patch is not an array of operations of RFC 6902");
  return patch;
}

function notFilledIn(): IndelibleError {
  return new IndelibleError("ERR_PATCH", `the patch still has ${FILL_IN} in it`, {
    hint: `Put what belongs there in its place: a number, or a text in double quotes; in a path, the name of the field.`,
  });
}

function fileText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `--edit ${path} cannot be read`, {
      cause,
      hint: "Give a file with a JSON Patch, or the patch itself, which begins with [.",
    });
  }
}

const operations: ReadonlySet<unknown> = new Set(["add", "remove", "replace", "move", "copy", "test"]);

/** Whether it has the form of a JSON Patch. What the client of RFC 6902 would only find at the first event is found here. */
export function isPatch(value: unknown): value is Patch {
  const isPointer = (pointer: unknown): boolean =>
    typeof pointer === "string" && (pointer === "" || pointer.startsWith("/"));
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(
      (operation) =>
        isObject(operation) &&
        operations.has(operation["op"]) &&
        isPointer(operation["path"]) &&
        ("value" in operation || !["add", "replace", "test"].includes(operation["op"] as string)) &&
        (isPointer(operation["from"]) || !["move", "copy"].includes(operation["op"] as string)),
    )
  );
}

/** Why an event is not published. */
export interface Misfit {
  readonly misfit: string;
  /** Whether --force publishes it all the same. */
  readonly forcible: boolean;
  /** The edited event, where there is one. */
  readonly text?: string;
}

export interface Edited {
  readonly text: string;
}

/**
 * Applies a patch to the text of one event.
 *
 * The result is canonical JSON, fits its table, and is the same entry as before: a patch must not change the `log_id`. What a JSON reader would
 * have lost of the text (a number, one of two equal keys) must be replaced by the patch.
 *
 * @param position of the event in a whole message; otherwise 0
 */
export function edit(text: string, patch: Patch, letter: Letter, position: number): Edited | Misfit {
  const refuse = (misfit: string): Misfit => ({ misfit, forcible: false });
  const table = letter.table as TableName;
  let event: unknown;
  try {
    event = parse(text);
  } catch (error) {
    return refuse(IndelibleError.is(error) ? `a patch cannot mend it: ${error.message}` : "it is not JSON");
  }
  const logIdBefore = logIdOf(event, letter, position);
  try {
    const failed = applyPatch(event, patch).findIndex((result) => result !== null);
    if (failed !== -1) return refuse(`operation ${failed + 1} of the patch does not fit`);
  } catch (error) {
    return refuse(`the patch does not fit: ${messageOf(error)}`);
  }
  if (!isObject(event)) return refuse("the patch leaves no object");
  if (logIdOf(event, letter, position) !== logIdBefore) {
    return refuse(
      `the patch would make another entry of it: its log_id must be ${logIdBefore}, or missing where it was`,
    );
  }
  let edited: string;
  try {
    edited = canonicalize(event);
  } catch (error) {
    return refuse(`the edited event cannot be written as JSON: ${messageOf(error)}`);
  }
  try {
    assertEvent(table, event);
  } catch (error) {
    return { misfit: messageOf(error), forcible: true, text: edited };
  }
  return { text: edited };
}

/**
 * The `log_id` that an event has or gets.
 *
 * The letter's own tells it for one event, also where the event has one that is none.
 */
function logIdOf(event: unknown, letter: Letter, position: number): string {
  const own = isObject(event) ? event["log_id"] : undefined;
  if (typeof own === "string" && uuid.test(own)) return own;
  // One of several, which arrive together.
  if (letter.table === "log_access_audit" && isLogEntry(event)) return accessLogId(event, 0);
  return derivedLogId(letter, position);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The ID that an event without one gets. SPEC.md §4 and §7. */
function derivedLogId(letter: Letter, position: number): string {
  const index = letter.originIndex ?? letter.index ?? 0;
  return logIdOfMessage(letter.table ?? "", letter.originMessageId ?? letter.messageId, index + position);
}

/** IDs of the entries that the events of a whole message become. */
export function logIdsOf(texts: readonly string[], letter: Letter): string[] {
  return texts.map((text, position) => {
    try {
      return logIdOf(JSON.parse(text), letter, position);
    } catch {
      return derivedLogId(letter, position);
    }
  });
}

/** Numbers that would be changed by reading them become NaN, which cannot be written again. @throws SyntaxError, ERR_DUPLICATE_KEY */
function parse(text: string): unknown {
  const event: unknown = JSON.parse(text, marked as (key: string, value: unknown) => unknown);
  try {
    assertLossless(text);
  } catch (error) {
    if (!IndelibleError.is(error) || error.code !== "ERR_LOSSY_NUMBER") throw error;
    // A duplicate key may stand behind the first such number.
    assertLossless(text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) => (token[0] === '"' ? token : "0")));
  }
  return event;
}

function marked(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number" || context.source === undefined) return value;
  try {
    assertLossless(context.source);
    return value;
  } catch {
    return Number.NaN;
  }
}
