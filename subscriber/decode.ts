import { isUtf8 } from "node:buffer";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { decompress } from "./compression.ts";
import type { Message } from "./message.ts";

/** One event of a message, as text. */
export interface Line {
  /** Its position among the events of the message, from 0. */
  readonly index: number;
  readonly text: string;
}

/**
 * What could not be accepted: the bytes as they came, and why. Not an Error: a packed message can hold tens of thousands of bad events,
 * and each stack trace would weigh more than its event.
 */
export interface Fault {
  /** Position of the event in its message; undefined when the message could not be taken apart. */
  readonly index: number | undefined;
  readonly data: Buffer;
  /** A code that is not retryable. */
  readonly code: ErrorCode;
  /** What exactly was wrong; names fields and never quotes their content. */
  readonly detail: string;
}

export interface Decoded {
  readonly lines: readonly Line[];
  /** Bytes of the data when it is decompressed. */
  readonly bytes: number;
}

/** Most events that a message may hold: what each of them costs beside its bytes must be bounded too. SPEC.md §2. */
export const MAX_EVENTS = 50_000;

const NEWLINE = 0x0a;

/** Takes a message apart into the texts of its events. What is undecodable is added to `faults`; nothing is dropped. */
export function decode(message: Message, faults: Fault[]): Decoded {
  try {
    const data = decompressed(message);
    return { lines: linesOf(split(data, message), faults), bytes: data.length };
  } catch (error) {
    if (!IndelibleError.is(error) || error.retryable) throw error;
    faults.push({ index: undefined, data: message.data, code: error.code, detail: error.message });
    return { lines: [], bytes: message.data.length };
  }
}

function decompressed({ data, attributes }: Message): Buffer {
  const encoding = attributes["encoding"] ?? "identity";
  switch (encoding) {
    case "identity":
      return data;
    case "gzip":
    case "zstd":
      return decompress(data, encoding);
    default:
      throw unknownAttribute("encoding", encoding);
  }
}

function split(data: Buffer, { attributes }: Message): Buffer[] {
  const format = attributes["format"] ?? "json";
  if (format === "json") return [data];
  if (format !== "ndjson") throw unknownAttribute("format", format);
  const lines: Buffer[] = [];
  for (let start = 0; start <= data.length;) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline === -1 ? data.length : newline;
    if (end > start) {
      if (lines.length === MAX_EVENTS) {
        throw new IndelibleError("ERR_TOO_LARGE", `the message has more than ${MAX_EVENTS} events`);
      }
      lines.push(data.subarray(start, end));
    }
    start = end + 1;
  }
  return lines;
}

/** The texts of what is not blank. */
function linesOf(slices: readonly Buffer[], faults: Fault[]): Line[] {
  const lines: Line[] = [];
  let index = 0;
  for (const bytes of slices) {
    if (isUtf8(bytes)) {
      const text = bytes.toString("utf8").trim();
      if (text === "") continue;
      lines.push({ index, text });
    } else {
      faults.push({ index, data: bytes, code: "ERR_NOT_UTF8", detail: "the event is not UTF-8" });
    }
    index += 1;
  }
  if (index === 0) throw new IndelibleError("ERR_EMPTY", "the message holds no event");
  return lines;
}

function unknownAttribute(name: string, value: string): IndelibleError {
  return new IndelibleError("ERR_UNKNOWN_ENCODING", `the attribute ${name}=${value} is not one that we know`);
}
