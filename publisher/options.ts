import { IndelibleError } from "@indelible/schemas/errors.ts";
import { DEFAULT_TOPIC_PREFIX } from "@indelible/schemas/names.ts";
import * as zlib from "node:zlib";
import { createBackgroundTransport } from "./background/background-transport.ts";
import { newId } from "./identity.ts";
import type { Compression } from "./preparation.ts";
import type { RedactionOptions } from "./redaction/redactor.ts";
import { loadRedactionCheck } from "./lazy.ts";
import { warn, type OnError } from "./reports.ts";
import type { SpoolOptions } from "./spool/spool.ts";
import type { Transport } from "./transport.ts";

/** Events that a subscriber takes in a message (SPEC §2). */
const MAX_MESSAGE_EVENTS = 50_000;

/** A text may have three bytes for each unit that is counted, redaction may add to that, and a subscriber takes 16 MiB. */
const MAX_BATCH_BYTES = 3_000_000;

export interface PublisherOptions {
  /** `business_id` of every event that gives none. 1 to 256 characters. */
  readonly businessId: string;
  /** `agent_position` (`source_agent` of escalations) of every event that gives none. 1 to 256 characters. */
  readonly agentPosition: string;
  /**
   * Google Cloud project of the topics. Default: what the environment says. Not to be given together with
   * `transport`.
   */
  readonly projectId?: string;
  /** The topic of a table is `<topicPrefix>.<table>`. Default: agent-logs. */
  readonly topicPrefix?: string;
  /**
   * Told about every event that was refused and every publish that failed, at most once a second for each table and
   * code. May throw. Default: a process warning.
   */
  readonly onError?: OnError;
  /** How long an event may wait for others to share its message, in milliseconds, 0 to 60,000. Default: 20. */
  readonly lingerMs?: number;
  /**
   * Bytes of events in a message before compression, 1 to 3,000,000; a longer event travels alone. Without a spool,
   * characters are counted (UTF-16 code units); with one, a message has at most a share of maxQueuedBytes, so that all that are filled or in
   * flight have at most half of it. Default: 1,000,000.
   */
  readonly maxBatchBytes?: number;
  /** Events in a message, 1 to 50,000. Default: 5,000. */
  readonly maxBatchEvents?: number;
  /**
   * Bytes of events in memory that wait or are in flight. Beyond it, events are refused, or, with a spool, kept on disk
   * only. Default: 67,108,864 (64 MiB).
   */
  readonly maxQueuedBytes?: number;
  /**
   * Keeps each event on disk until Pub/Sub has acknowledged it, so that it survives the end of the process, kill -9
   * included; the next publisher with the same directory sends what was left. Several processes may share a directory.
   * Default: none, events wait in memory.
   */
  readonly spool?: SpoolOptions;
  /**
   * What is taken out of events before they leave the process, beside the built-in kinds (docs/redaction.md). False:
   * nothing. Default: {}.
   */
  readonly redaction?: RedactionOptions | false;
  /** How messages are compressed. Default: zstd where the runtime has it (Node 22.15 and later), else gzip. */
  readonly compression?: Compression;
  /**
   * Validates each event in its call, which throws ERR_INVALID_EVENT, ERR_UNKNOWN_FIELD or whatever else refuses it: for
   * development and tests. Default: false; then an invalid event is sent all the same and becomes a dead letter, and
   * `onError` is told.
   */
  readonly strict?: boolean;
  /**
   * Closes the publisher when the process has nothing more to do (`beforeExit`) and on SIGTERM, after which the process
   * ends as it would have without, unless the host listens for SIGTERM itself. Default: false.
   */
  readonly closeOnExit?: boolean;
  /** Messages in flight, 1 to 1,000. Default: 8. */
  readonly maxInFlight?: number;
  /** Time for one attempt to publish a message, in milliseconds, 1 to 600,000. Default: 30,000. */
  readonly publishDeadlineMs?: number;
  /** `publisher_id` of every event that gives none. 1 to 128 characters. Default: a new UUID for each publisher. */
  readonly publisherId?: string;
  /** The clock, in milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number;
  /** Makes `log_id` and the identities that a caller leaves out. Default: UUIDv7, ascending in the process. */
  readonly newId?: () => string;
  /** Carries the messages; whoever gives it closes it. Default: Pub/Sub over a client of this publisher's own. */
  readonly transport?: Transport;
}

/** Options checked, with every default in its place. */
export interface Settings extends Required<Omit<PublisherOptions, "projectId" | "spool">> {
  readonly spool: SpoolOptions | undefined;
}

/** @throws ERR_CONFIG naming the option and what it accepts */
export function settingsOf(options: PublisherOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw new IndelibleError("ERR_CONFIG", "createPublisher() takes an object of options", {
      hint: 'createPublisher({ businessId: "acme", agentPosition: "CFO" })',
    });
  }
  if (options.transport !== undefined && options.projectId !== undefined) {
    throw refuse("projectId", "left out when a transport is given, which has a project of its own");
  }
  const topicPrefix = text(options, "topicPrefix", 200, DEFAULT_TOPIC_PREFIX);
  if (!/^(?!goog)[A-Za-z][\w.~+%-]*$/.test(topicPrefix)) {
    throw refuse("topicPrefix", "a letter, then letters, digits and -_.~+%, and must not begin with goog");
  }
  const projectId = options.projectId === undefined ? undefined : text(options, "projectId", 256);
  return {
    businessId: text(options, "businessId", 256),
    agentPosition: text(options, "agentPosition", 256),
    topicPrefix,
    publisherId: text(options, "publisherId", 128, newId()),
    lingerMs: integer(options, "lingerMs", 0, 60_000, 20),
    maxBatchBytes: integer(options, "maxBatchBytes", 1, MAX_BATCH_BYTES, 1_000_000),
    maxBatchEvents: integer(options, "maxBatchEvents", 1, MAX_MESSAGE_EVENTS, 5_000),
    maxQueuedBytes: integer(options, "maxQueuedBytes", 1, Number.MAX_SAFE_INTEGER, 64 * 1024 * 1024),
    maxInFlight: integer(options, "maxInFlight", 1, 1_000, 8),
    publishDeadlineMs: integer(options, "publishDeadlineMs", 1, 600_000, 30_000),
    onError: callable(options, "onError", warn),
    now: callable(options, "now", Date.now),
    newId: callable(options, "newId", newId),
    transport: options.transport ?? createBackgroundTransport(projectId),
    spool: spool(options),
    redaction: redaction(options),
    compression: compression(options),
    strict: flag(options, "strict"),
    closeOnExit: flag(options, "closeOnExit"),
  };
}

function text(options: PublisherOptions, name: keyof PublisherOptions, maxLength: number, fallback?: string): string {
  const value: unknown = options[name] ?? fallback;
  if (typeof value !== "string" || value === "" || value.length > maxLength || !value.isWellFormed()) {
    throw refuse(name, `a text of 1 to ${maxLength} characters`);
  }
  return value;
}

function integer(
  options: PublisherOptions,
  name: keyof PublisherOptions,
  minimum: number,
  maximum: number,
  fallback: number,
): number {
  const value: unknown = options[name] ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < minimum || value > maximum) {
    throw refuse(name, `a whole number from ${minimum} to ${maximum}`);
  }
  return value;
}

function flag(options: PublisherOptions, name: "strict" | "closeOnExit"): boolean {
  const value: unknown = options[name] ?? false;
  if (typeof value !== "boolean") throw refuse(name, "true or false");
  return value;
}

function compression(options: PublisherOptions): Compression {
  const value: unknown = options.compression ?? ("zstdCompressSync" in zlib ? "zstd" : "gzip");
  if (value !== "zstd" && value !== "gzip" && value !== "none") throw refuse("compression", "zstd, gzip or none");
  if (value === "zstd" && !("zstdCompressSync" in zlib)) throw refuse("compression", "gzip or none on this Node");
  return value;
}

function redaction(options: PublisherOptions): RedactionOptions | false {
  const value = options.redaction ?? {};
  if (value === false) return false;
  if (typeof value !== "object") throw refuse("redaction", "an object with patterns and keys, or false");
  // Most have no rules of their own; the built-in ones are for the background thread.
  if (Object.keys(value).length === 0) return {};
  loadRedactionCheck()(value);
  // A copy, which the caller cannot change any more, and without what cannot be handed to another thread.
  return {
    patterns: (value.patterns ?? []).map(({ kind, pattern }) => ({ kind, pattern })),
    keys: [...(value.keys ?? [])],
  };
}

/** What is in it is checked when the spool is opened. */
function spool(options: PublisherOptions): SpoolOptions | undefined {
  const value: unknown = options.spool;
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) throw refuse("spool", "an object with a directory");
  return value as SpoolOptions;
}

function callable<N extends "onError" | "now" | "newId">(
  options: PublisherOptions,
  name: N,
  fallback: NonNullable<PublisherOptions[N]>,
): NonNullable<PublisherOptions[N]> {
  const value = options[name] ?? fallback;
  if (typeof value !== "function") throw refuse(name, "a function");
  return value;
}

function refuse(name: keyof PublisherOptions, accepted: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `createPublisher(): ${name} must be ${accepted}`, {
    hint: `Give createPublisher() a ${name} that is ${accepted}.`,
  });
}
