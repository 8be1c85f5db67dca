import { isUtf8 } from "node:buffer";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Message } from "./message.ts";

/** One event of a message, as text. */
export interface Line {
  /** Its position among the events of the message, from 0. */
  readonly index: number;
  readonly text: string;
}

/** What could not be accepted: the bytes as they came, and why. */
export interface Fault {
  /** Position of the event in its message; undefined when the message could not be taken apart. */
  readonly index: number | undefined;
  readonly data: Buffer;
  readonly error: IndelibleError;
}

const NEWLINE = 0x0a;

/** Takes a message apart into the texts of its events. What is undecodable is added to `faults`; nothing is dropped. */
export function decode(message: Message, faults: Fault[]): Line[] {
  const { data, attributes } = message;
  const encoding = attributes["encoding"] ?? "identity";
  const format = attributes["format"] ?? "json";
  const whole = (error: IndelibleError): Line[] => {
    faults.push({ index: undefined, data, error });
    return [];
  };
  if (encoding !== "identity") return whole(unknownAttribute("encoding", encoding));
  if (format !== "json" && format !== "ndjson") return whole(unknownAttribute("format", format));

  const lines = format === "json" ? [{ index: 0, bytes: data }] : split(data);
  const texts = isUtf8(data) ? lines.map(textOf) : lines.flatMap((line) => checkedText(line, faults));
  const events = texts.filter((line) => line.text !== "");
  if (texts.length === lines.length && events.length === 0) {
    return whole(new IndelibleError("ERR_EMPTY", "the message holds no event"));
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
  faults.push({
    index: slice.index,
    data: slice.bytes,
    error: new IndelibleError("ERR_NOT_UTF8", "the event is not UTF-8"),
  });
  return [];
}

function unknownAttribute(name: string, value: string): IndelibleError {
  return new IndelibleError("ERR_UNKNOWN_ENCODING", `the attribute ${name}=${value} is not one that we know`);
}
