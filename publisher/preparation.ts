import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { createRedactor, type Findings, type RedactionOptions, type Redactor } from "./redaction/redactor.ts";
import { readRecords, type Records } from "./spool/record.ts";

export type Compression = "zstd" | "gzip" | "none";

/** How events become messages; sent to the background thread with each pack. */
export interface PreparationSettings {
  /** Tells one publisher's settings from another's in this process. */
  readonly id: number;
  /** False: nothing is redacted. */
  readonly redaction: RedactionOptions | false;
  readonly compression: Compression;
}

export interface PackContent {
  readonly table: TableName;
  /** Lines, each with a newline at its end: canonical JSON as UTF-16 (little-endian), or records of the spool. */
  readonly bytes: Uint8Array;
  readonly isSpooled: boolean;
  /** Lines to hold back, by their position, with what is wrong with them. */
  readonly held: ReadonlyMap<number, string>;
}

/** An event that must not or cannot be sent. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
  readonly event: string;
}

/** What becomes of a pack: a message, and what is to be told of its events. */
export interface Prepared {
  readonly data: Uint8Array;
  readonly attributes: { readonly [name: string]: string };
  /** In the message. 0: there is nothing to send. */
  readonly events: number;
  readonly rejected: readonly Rejection[];
  readonly damaged: Records["damaged"];
  /** Events that will become dead letters, and why the first of them will. */
  readonly invalid: { readonly events: number; readonly code: ErrorCode; readonly message: string } | undefined;
  /** What was redacted, by kind. */
  readonly findings: Findings;
}

/** Smaller data does not become smaller: the attribute that says so has as many bytes. */
const MIN_COMPRESSED_BYTES = 128;

/**
 * Makes a message of a pack: reads its lines, redacts them, holds back what cannot be redacted, and compresses the rest. Fails on
 * no content; takes 10 to 20 us an event, for which the background thread is there.
 *
 * @param onLine told before each line is redacted, so that whoever watches knows which one does not end
 */
export function prepare(
  content: PackContent,
  settings: PreparationSettings,
  onLine?: (index: number) => void,
): Prepared {
  const { events, damaged } = content.isSpooled
    ? readRecords(content.bytes)
    : { events: linesOf(content.bytes), damaged: [] };
  const redactor = redactorOf(settings);
  const texts: string[] = [];
  const rejected: Rejection[] = [];
  const findings: { [kind: string]: number } = {};
  let invalid: { events: number; code: ErrorCode; message: string } | undefined;
  for (const [index, event] of events.entries()) {
    onLine?.(index);
    let text = event;
    try {
      const reason = content.held.get(index);
      if (reason !== undefined) throw new IndelibleError("ERR_REDACTION", reason);
      // Event by event: in a pack of a thousand, one nearly always looks as if it held something.
      if (redactor !== undefined && !isClean(redactor, event)) {
        const redacted = redactor.redact(content.table, event);
        text = redacted.text;
        for (const kind in redacted.findings) findings[kind] = (findings[kind] ?? 0) + redacted.findings[kind]!;
      }
      // Redaction may make a text longer.
      if (text.length > MAX_MESSAGE_BYTES / 3 && Buffer.byteLength(text) > MAX_MESSAGE_BYTES) {
        throw new IndelibleError("ERR_TOO_LARGE", `an event has more than ${MAX_MESSAGE_BYTES} bytes after redaction`);
      }
    } catch (error) {
      rejected.push({ ...reasonOf(error), event });
      continue;
    }
    texts.push(text);
    const fault = faultOf(content.table, text);
    if (fault !== undefined) invalid = { ...(invalid ?? fault), events: (invalid?.events ?? 0) + 1 };
  }
  return {
    ...compress(Buffer.from(texts.join("\n")), texts.length > 1 ? { format: "ndjson" } : {}, settings.compression),
    events: texts.length,
    rejected,
    damaged,
    invalid,
    findings,
  };
}

/** Without the last newline, behind which nothing follows. */
function linesOf({ buffer, byteOffset, length }: Uint8Array): string[] {
  return Buffer.from(buffer, byteOffset, length - 2)
    .toString("utf16le")
    .split("\n");
}

/** One redactor for each publisher's settings, made on first use, and of the latest only: to make one takes 0.2 ms. */
const redactors = new Map<number, Redactor>();
const MAX_REDACTORS = 100;

function redactorOf({ id, redaction }: PreparationSettings): Redactor | undefined {
  if (redaction === false) return undefined;
  let redactor = redactors.get(id);
  if (redactor === undefined) {
    const [oldest] = redactors.keys();
    if (oldest !== undefined && redactors.size >= MAX_REDACTORS) redactors.delete(oldest);
    redactors.set(id, (redactor = createRedactor(redaction)));
  }
  return redactor;
}

/** A pattern that fails has found nothing clean: what it fails on is looked at by itself, and held back if need be. */
function isClean(redactor: Redactor, text: string): boolean {
  try {
    return redactor.isClean(text);
  } catch {
    return false;
  }
}

function reasonOf(error: unknown): { code: ErrorCode; message: string } {
  if (IndelibleError.is(error)) return { code: error.code, message: error.message };
  return { code: "ERR_REDACTION", message: error instanceof Error ? error.message : String(error) };
}

function faultOf(table: TableName, text: string): { code: ErrorCode; message: string } | undefined {
  try {
    assertEvent(table, JSON.parse(text));
    return undefined;
  } catch (error) {
    return IndelibleError.is(error)
      ? { code: error.code, message: error.message }
      : { code: "ERR_NOT_JSON", message: "the event is not JSON" };
  }
}

function compress(
  text: Buffer,
  attributes: { readonly [name: string]: string },
  compression: Compression,
): { data: Uint8Array; attributes: { readonly [name: string]: string } } {
  if (compression === "none" || text.length < MIN_COMPRESSED_BYTES) return { data: text, attributes };
  const data =
    compression === "zstd"
      ? zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })
      : gzipSync(text, { level: 6 });
  // What does not become smaller is sent as it is.
  return data.length < text.length
    ? { data, attributes: { ...attributes, encoding: compression } }
    : { data: text, attributes };
}
