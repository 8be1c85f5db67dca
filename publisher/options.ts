import { IndelibleError } from "@indelible/schemas/errors.ts";
import { DEFAULT_TOPIC_PREFIX } from "@indelible/schemas/names.ts";
import { newId } from "./identity.ts";
import { createPubSubTransport } from "./pubsub-transport.ts";
import { warn, type OnError } from "./reports.ts";
import type { Transport } from "./transport.ts";

/**
 * The most bytes of data in a message. Pub/Sub takes 10 MB with topic, attributes and framing, for which this leaves
 * room.
 */
export const MAX_MESSAGE_BYTES = 9_500_000;

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
  /** Bytes of events in a message, 1 to 9,500,000; a longer event travels alone. Default: 1,000,000. */
  readonly maxBatchBytes?: number;
  /** Events in a message, from 1. Default: 1,000. */
  readonly maxBatchEvents?: number;
  /** Bytes of events that wait or are in flight; beyond it, events are refused. Default: 67,108,864 (64 MiB). */
  readonly maxQueuedBytes?: number;
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
export interface Settings extends Required<Omit<PublisherOptions, "projectId">> {
  /** Whether the transport is this publisher's own, to be closed with it. */
  readonly ownsTransport: boolean;
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
    maxBatchBytes: integer(options, "maxBatchBytes", 1, MAX_MESSAGE_BYTES, 1_000_000),
    maxBatchEvents: integer(options, "maxBatchEvents", 1, Number.MAX_SAFE_INTEGER, 1_000),
    maxQueuedBytes: integer(options, "maxQueuedBytes", 1, Number.MAX_SAFE_INTEGER, 64 * 1024 * 1024),
    maxInFlight: integer(options, "maxInFlight", 1, 1_000, 8),
    publishDeadlineMs: integer(options, "publishDeadlineMs", 1, 600_000, 30_000),
    onError: callable(options, "onError", warn),
    now: callable(options, "now", Date.now),
    newId: callable(options, "newId", newId),
    transport: options.transport ?? createPubSubTransport(projectId === undefined ? {} : { projectId }),
    ownsTransport: options.transport === undefined,
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
