import { isUtf8 } from "node:buffer";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
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

const NEWLINE = 0x0a;

/** Takes a message apart into the texts of its events. What is undecodable is added to `faults`; nothing is dropped. */
export function decode(message: Message, faults: Fault[]): Line[] {
  const { data, attributes } = message;
  const encoding = attributes["encoding"] ?? "identity";
  const format = attributes["format"] ?? "json";
  const whole = (code: ErrorCode, detail: string): Line[] => {
    faults.push({ index: undefined, data, code, detail });
    return [];
  };
  if (encoding !== "identity") return whole("ERR_UNKNOWN_ENCODING", unknownAttribute("encoding", encoding));
  if (format !== "json" && format !== "ndjson")
    return whole("ERR_UNKNOWN_ENCODING", unknownAttribute("format", format));

  const lines = format === "json" ? [{ index: 0, bytes: data }] : split(data);
  const texts = isUtf8(data) ? lines.map(textOf) : lines.flatMap((line) => checkedText(line, faults));
  const events = texts.filter((line) => line.text !== "");
  if (texts.length === lines.length && events.length === 0) {
    return whole("ERR_EMPTY", "the message holds no event");
  }
  return events;
}

interface Slice {
  readonly index: number;
  readonly bytes: Buffer;
}

function split(data: Buffer): Slice[] {
  const lines: Slice[] = [];
  for (let start = 0; start <= data.length;) {
    const newline = data.indexOf(NEWLINE, start);
    const end = newline === -1 ? data.length : newline;
    if (end > start) lines.push({ index: lines.length, bytes: data.subarray(start, end) });
    start = end + 1;
  }
  return lines;
}

function textOf({ index, bytes }: Slice): Line {
  return { index, text: bytes.toString("utf8").trim() };
}

function checkedText(slice: Slice, faults: Fault[]): Line[] {
  if (isUtf8(slice.bytes)) return [textOf(slice)];
  faults.push({ index: slice.index, data: slice.bytes, code: "ERR_NOT_UTF8", detail: "the event is not UTF-8" });
  return [];
}

function unknownAttribute(name: string, value: string): string {
  return `the attribute ${name}=${value} is not one that we know`;
}
