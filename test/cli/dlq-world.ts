import type { TransportMessage } from "@indelible/publisher/transport.ts";
import { accessAuditTopic, topicOf } from "@indelible/schemas/names.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { accessLines } from "@indelible/subscriber/access-audit.ts";
import { deadLetterEntries } from "@indelible/subscriber/dead-letter-entry.ts";
import { deadLetterMessages } from "@indelible/subscriber/dead-letter-message.ts";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import type { Message } from "@indelible/subscriber/message.ts";
import { validate } from "@indelible/subscriber/validate.ts";
import { joinParts, type Content, type Part } from "../../cli/dlq/content.ts";
import type { Desk } from "../../cli/dlq/desk.ts";
import type { Filter } from "../../cli/dlq/filter.ts";
import {
  groupKey,
  groupsOf,
  type Decision,
  type Failure,
  type Group,
  type GroupCounts,
  type GroupKey,
  type Letter,
} from "../../cli/dlq/letter.ts";
import { digitsOf, groupIdOf, jobIdOf } from "../../cli/dlq/handle.ts";
import type { JobFilter, JobRecord } from "../../cli/dlq/job.ts";
import type { PageOptions } from "../../cli/dlq/queries.ts";
import type { DeadLetterReader, Newcomers, Review } from "../../cli/dlq/warehouse.ts";

interface StoredReview {
  readonly event: Event;
  readonly publishedMicros: number;
}

/**
 * Broker, subscriber and warehouse in memory: what is published to a topic goes through the subscriber's own steps and can be read at once.
 */
export class DeadLetterWorld implements DeadLetterReader {
  /** Entries of log tables by table and `log_id`. */
  readonly entries: Map<string, Map<string, Event>> = new Map();
  readonly deadLetters: { readonly event: Event; readonly ingestedMicros: number }[] = [];
  readonly reviewRows: StoredReview[] = [];
  /** Every message that was stored, in order. */
  readonly stored: { readonly topic: string; readonly message: TransportMessage }[] = [];
  readonly pauses: number[] = [];
  /** Called before a request is stored; what it throws is the request's outcome, and nothing is stored. */
  beforePublish: (topic: string) => void = () => {};
  /** Called after a request was stored; what it throws is its outcome all the same. */
  afterPublish: (topic: string) => void = () => {};
  /** Whether the subscriber is running. */
  delivers = true;
  #clockMicros = 1_780_000_000_000_000;

  readonly desk: Desk = {
    project: "p",
    reader: this,
    transport: { publishAll: (topic, messages) => this.#publish(topic, messages) },
    topicPrefix: "agent-logs",
    patience: { deadlineMs: 1000, signal: new AbortController().signal },
    pause: async (ms) => {
      this.pauses.push(ms);
      await Promise.resolve();
    },
  };

  /** A message of a publisher. @returns its ID */
  send(table: TableName, data: string | Buffer, attributes: { [name: string]: string } = {}): string {
    return this.#receive(table, { data: Buffer.from(data as string), attributes });
  }

  /** A dead letter as Pub/Sub forwards a message after its last delivery attempt. */
  forward(subscription: string, data: Buffer, attributes: { [name: string]: string }): void {
    const source = { CloudPubSubDeadLetterSourceSubscription: subscription, ...attributes };
    this.#keep({ ...this.#message({ data, attributes: source }) });
  }

  /** A message of the dead-letter topic. */
  bury(data: Buffer, attributes: { readonly [name: string]: string }): void {
    this.#keep(this.#message({ data, attributes: { ...attributes } }));
  }

  count(table: string): number {
    return this.entries.get(table)?.size ?? 0;
  }

  async #publish(topic: string, messages: readonly TransportMessage[]): Promise<string[]> {
    this.beforePublish(topic);
    const ids = messages.map((message) => {
      this.stored.push({ topic, message });
      if (!this.delivers) return "0";
      if (topic === accessAuditTopic()) return this.#receive("log_access_audit", message, accessLines);
      return this.#receive(topic.slice("agent-logs.".length) as TableName, message);
    });
    this.afterPublish(topic);
    return ids;
  }

  #message(message: TransportMessage): Message {
    this.#clockMicros += 1000;
    return { id: String(this.#clockMicros), publishedAt: this.#clockMicros, ...message };
  }

  #receive(table: TableName, published: TransportMessage, translate?: typeof accessLines): string {
    const message = this.#message(published);
    const faults: Fault[] = [];
    const decoded = decode(message, faults);
    const { lines } = translate?.(message, decoded, faults) ?? decoded;
    const events = validate(table, lines, faults, translate === undefined);
    for (const { event, logId } of hash(table, message, events, faults)) {
      if (table === "dead_letter_reviews") this.reviewRows.push({ event, publishedMicros: message.publishedAt });
      const ofTable = this.entries.get(table) ?? new Map<string, Event>();
      // The history shows what was published first.
      if (!ofTable.has(logId)) ofTable.set(logId, event);
      this.entries.set(table, ofTable);
    }
    for (const fault of faults) {
      for (const one of deadLetterMessages(table, message, fault)) this.#keep(this.#message(one));
    }
    return message.id;
  }

  #keep(message: Message): void {
    for (const { event } of deadLetterEntries(message)) {
      if (this.deadLetters.some((row) => row.event["log_id"] === event["log_id"])) continue;
      this.deadLetters.push({ event, ingestedMicros: (this.#clockMicros += 1) });
    }
  }

  get #heads(): Letter[] {
    return this.deadLetters
      .filter(({ event }) => (event["part"] ?? 1) === 1)
      .map(({ event }) => this.#letterOf(event))
      .toSorted((a, b) => a.publishedMicros - b.publishedMicros || (a.id < b.id ? -1 : 1));
  }

  #letterOf(event: Event): Letter {
    const text = (name: string): string | undefined => (event[name] as string | null | undefined) ?? undefined;
    const number = (name: string): number | undefined => (event[name] as number | null | undefined) ?? undefined;
    const id = text("dead_letter_id") ?? "";
    const latest = this.reviewRows.findLast((review) => review.event["dead_letter_id"] === id);
    const publishedAt = text("source_published_at") ?? "";
    return {
      id,
      reason: text("reason") ?? "",
      detail: text("reason_detail") ?? "",
      pattern: text("reason_pattern") ?? "",
      table: text("source_table"),
      publishedAt,
      publishedMicros: parseTimestamp(publishedAt) ?? 0,
      messageId: text("source_message_id") ?? "",
      index: number("source_index"),
      originMessageId: text("origin_message_id"),
      originIndex: number("origin_index"),
      replayOf: text("replay_of"),
      logId: text("source_log_id"),
      parts: number("parts") ?? 1,
      bytes: number("data_bytes") ?? 0,
      deadLetterMessageId: "1",
      decision:
        latest === undefined
          ? undefined
          : {
              kind: latest.event["decision"] as "replay" | "discard",
              job: latest.event["publisher_id"] as string | undefined,
              micros: latest.publishedMicros,
              patch: latest.event["patch"],
            },
    };
  }

  groups(filter: Filter, decision: Decision["kind"] | undefined, limit: number): Promise<Group[]> {
    const letters = this.#heads.filter((letter) => this.#matches(letter, filter) && letter.decision?.kind === decision);
    return Promise.resolve(groupsOf(letters).slice(0, limit));
  }

  counts(group: GroupKey): Promise<GroupCounts | undefined> {
    const letters = this.#heads.filter((letter) => groupKey(letter) === groupKey(group));
    const [whole] = groupsOf(letters);
    const of = (kind: Decision["kind"]): number => letters.filter(({ decision }) => decision?.kind === kind).length;
    const { open, firstSeen, lastSeen } = whole ?? { open: 0, firstSeen: "", lastSeen: "" };
    const counts = { open, replay: of("replay"), discarded: of("discard"), firstSeen, lastSeen };
    return Promise.resolve(whole === undefined ? undefined : counts);
  }

  groupsMatching(digits: string): Promise<GroupKey[]> {
    const groups = groupsOf(this.#heads).filter((group) => digitsOf("g", groupIdOf(group, 64))?.startsWith(digits));
    return Promise.resolve(groups);
  }

  jobs({ digits = "", limit }: JobFilter): Promise<JobRecord[]> {
    const runs = Map.groupBy(this.reviewRows, ({ event }) => String(event["publisher_id"]));
    const jobs = [...runs].toReversed().map(([publisherId, reviews]): JobRecord => {
      const events = reviews.map(({ event }) => event);
      const of = (name: string): string => String(events[0]?.[name]);
      return {
        publisherId,
        reviewer: of("reviewer"),
        decision: of("decision") as Decision["kind"],
        startedAt: of("reviewed_at"),
        endedAt: String(events.at(-1)?.["reviewed_at"]),
        letters: new Set(events.map((event) => event["dead_letter_id"])).size,
        note: (events[0]?.["note"] as string | undefined) ?? null,
        patch: events[0]?.["patch"] === undefined ? null : JSON.stringify(events[0]["patch"]),
      };
    });
    const found = jobs.filter(({ publisherId }) => digitsOf("j", jobIdOf(publisherId, 64))?.startsWith(digits));
    return Promise.resolve(found.slice(0, limit));
  }

  letters(filter: Filter, { decisions, after, newestFirst, limit }: PageOptions): Promise<Letter[]> {
    const all = newestFirst ? this.#heads.toReversed() : this.#heads;
    const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after.id) + 1;
    const found = all
      .slice(start)
      .filter((letter) => this.#matches(letter, filter) && decisions.includes(letter.decision?.kind));
    return Promise.resolve(found.slice(0, limit));
  }

  contents(letters: readonly Letter[]): Promise<Map<string, Content>> {
    const nulls = { source_table: null, source_index: null, part: null, parts: null, data: null, data_base64: null };
    const rows = this.deadLetters.map(({ event }) => ({ ...nulls, ...event }) as unknown as Part);
    return Promise.resolve(joinParts(letters, rows));
  }

  present(table: TableName, logIds: readonly string[]): Promise<ReadonlySet<string>> {
    const isThere = (id: string): boolean =>
      table === "dead_letters"
        ? this.deadLetters.some(({ event }) => event["log_id"] === id)
        : this.entries.get(table)?.has(id) === true;
    return Promise.resolve(new Set(logIds.filter(isThere)));
  }

  failures(ids: readonly string[]): Promise<Failure[]> {
    const failed = this.#heads.filter(({ replayOf }) => replayOf !== undefined && ids.includes(replayOf));
    return Promise.resolve(
      failed.map(({ id, replayOf = "", table, reason, pattern, detail, publishedMicros }) => ({
        id,
        replayOf,
        table,
        reason,
        pattern,
        detail,
        publishedMicros,
      })),
    );
  }

  reviews(id: string): Promise<Review[]> {
    const found = this.reviewRows.filter(({ event }) => event["dead_letter_id"] === id).map(({ event }) => event);
    return Promise.resolve(found as unknown as Review[]);
  }

  matching(prefix: string): Promise<string[]> {
    return Promise.resolve(
      this.#heads
        .map(({ id }) => id)
        .filter((id) => id.startsWith(prefix))
        .slice(0, 2),
    );
  }

  newestMicros(): Promise<number> {
    return Promise.resolve(this.deadLetters.at(-1)?.ingestedMicros ?? 0);
  }

  since(micros: number): Promise<Newcomers[]> {
    const ids = new Set(
      this.deadLetters.filter((row) => row.ingestedMicros > micros).map(({ event }) => event["log_id"]),
    );
    const fresh = this.#heads.filter(({ id, replayOf }) => ids.has(id) && replayOf === undefined);
    return Promise.resolve(
      [...Map.groupBy(fresh, groupKey).values()].map((letters) => ({
        ...(letters[0] as Letter),
        count: letters.length,
      })),
    );
  }

  #matches(letter: Letter, { ids, group, job, reason, table, pattern, sinceMicros }: Filter): boolean {
    const decided = (run: string): boolean =>
      this.reviewRows.some(({ event }) => event["publisher_id"] === run && event["dead_letter_id"] === letter.id);
    return (
      (ids === undefined || ids.includes(letter.id)) &&
      (group === undefined || groupKey(letter) === groupKey(group)) &&
      (job === undefined || decided(job)) &&
      (reason === undefined || letter.reason === reason) &&
      (table === undefined || letter.table === table) &&
      (pattern === undefined || letter.pattern === pattern) &&
      (sinceMicros === undefined || letter.publishedMicros >= sinceMicros)
    );
  }
}

export const reviewsTopic: string = topicOf("dead_letter_reviews");
