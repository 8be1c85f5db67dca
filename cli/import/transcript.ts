import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { isObject, type JsonObject } from "../json.ts";

/** A message in OpenAI's chat form, as it stands in the file; all but its role is still unknown. */
export type Message = JsonObject & { readonly role: string };

/** One conversation of a transcript. */
export interface Run {
  /** For messages about it: `run 3 of FILE`. */
  readonly place: string;
  /** The whole run as it stood in the file, from which its identity derives. */
  readonly content: unknown;
  /** What the run says beside its messages; empty for a bare array of messages. */
  readonly fields: JsonObject;
  readonly messages: readonly Message[];
}

/**
 * Reads the runs of a file: a JSON array of messages or of runs, one run, or such values one a line (JSON Lines; read
 * line by line when the file is called .jsonl or .ndjson, otherwise in one piece).
 *
 * @throws ERR_TRANSCRIPT with the place and what was expected there
 */
export async function* readRuns(path: string): AsyncGenerator<Run> {
  let runs = 0;
  for await (const { value, place } of readValues(path)) {
    for (const content of splitRuns(value, place)) {
      runs += 1;
      yield runOf(content, `run ${runs} of ${path}`);
    }
  }
  if (runs === 0) throw refuse(path, "it holds no messages");
}

interface PlacedValue {
  readonly value: unknown;
  readonly place: string;
}

async function* readValues(path: string): AsyncGenerator<PlacedValue> {
  if (/\.(jsonl|ndjson)$/i.test(path)) {
    yield* readLines(path);
    return;
  }
  let text: string;
  try {
    text = withoutMark(await readFile(path, "utf8"));
  } catch (cause) {
    throw unreadable(path, cause);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // JSON Lines under another name: then the first line is JSON by itself.
    if (!isJson(text.slice(0, Math.max(0, text.indexOf("\n"))))) throw refuse(path, "it is not JSON", cause);
    yield* linesOf(text.split("\n"), path);
    return;
  }
  yield { value, place: path };
}

async function* readLines(path: string): AsyncGenerator<PlacedValue> {
  const input = createReadStream(path, "utf8");
  const failed = new Promise<never>((_, reject) => {
    input.once("error", (cause) => reject(unreadable(path, cause)));
  });
  // Without a listener of its own, a failure while nobody reads would end the process.
  failed.catch(() => {});
  // readline does not pass on the errors of its input.
  await Promise.race([failed, new Promise((resolve) => input.once("open", resolve))]);
  try {
    yield* linesOf(createInterface({ input, crlfDelay: Infinity }), path);
  } finally {
    input.destroy();
  }
}

async function* linesOf(lines: Iterable<string> | AsyncIterable<string>, path: string): AsyncGenerator<PlacedValue> {
  let number = 0;
  for await (const line of lines) {
    number += 1;
    const text = number === 1 ? withoutMark(line) : line;
    if (text.trim() === "") continue;
    const place = `${path}, line ${number}`;
    try {
      yield { value: JSON.parse(text) as unknown, place };
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw refuse(place, "the line is not JSON", cause);
    }
  }
}

/** A byte order mark is not JSON, and some tools write it all the same. */
function withoutMark(text: string): string {
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The runs that a JSON value holds: itself, or each of an array of runs. */
function splitRuns(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) return [value];
  const [first] = value as readonly unknown[];
  if (first === undefined) throw refuse(place, "the array is empty");
  const isMessages = isObject(first) && "role" in first;
  return isMessages ? [value] : value;
}

function runOf(content: unknown, place: string): Run {
  if (Array.isArray(content)) return { place, content, fields: {}, messages: messagesOf(content, place) };
  if (!isObject(content)) throw refuse(place, "it is neither an object nor an array");
  const { messages, traj, ...fields } = content;
  const list = messages ?? traj;
  if (!Array.isArray(list)) throw refuse(place, "it has no array under `messages` or `traj`");
  return { place, content, fields, messages: messagesOf(list, place) };
}

function messagesOf(list: readonly unknown[], place: string): readonly Message[] {
  for (const [index, message] of list.entries()) {
    if (!isObject(message)) throw refuse(`message ${index + 1} of ${place}`, "it is not an object");
    if (typeof message["role"] !== "string") throw refuse(`message ${index + 1} of ${place}`, "it has no `role`");
  }
  return list as readonly Message[];
}

function refuse(place: string, problem: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_TRANSCRIPT", `${place}: ${problem}`, { cause });
}

function unreadable(path: string, cause: unknown): IndelibleError {
  return new IndelibleError("ERR_TRANSCRIPT", `${path}: it cannot be read`, {
    cause,
    hint: "Check the path and whether you may read the file.",
  });
}
