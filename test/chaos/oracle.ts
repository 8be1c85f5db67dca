import type { DeadLetter, Evidence, HistoryEntry, RowGroup, StoredMessage } from "./evidence.ts";
import { Expectation, slotKey, type Content } from "./expectation.ts";
import type { Published } from "./published.ts";
import { sha256 } from "./sha256.ts";

/**
 * - `missing`: an event of a stored message is neither a row nor a dead letter, or a message that was acknowledged is not stored.
 * - `extra`: something is there that nobody published.
 * - `changed`: an entry is not what was published, or its hash is not that of its bytes.
 * - `twice`: an event is a row and a dead letter, though its message was delivered once; or a dead letter is there twice.
 * - `conflict`: an entry is flagged as a conflict and is none, or the other way round.
 * - `reason`: a dead letter has another reason, or another table, than its event.
 * - `bytes`: a dead letter does not have the bytes that were published.
 */
export type Rule = "missing" | "extra" | "changed" | "twice" | "conflict" | "reason" | "bytes";

export interface Finding {
  readonly rule: Rule;
  /** By table and ID. */
  readonly what: string;
}

/** What became of an entry that was published. */
interface Fate {
  /** Messages from which it became a row. */
  readonly rows: Set<string>;
  /** Messages in which BigQuery refused its row. */
  readonly refusals: Set<string>;
}

/**
 * Holds what was found against what was published; empty when every event is accounted for.
 *
 * An event is told by table, `log_id` and content. It is a row or a dead letter, and both in one case only: BigQuery may refuse a row once
 * (ERR_ROW_REFUSED) and take it when it comes again, in another message or in another delivery of the same one. A message none of whose
 * deliveries was refused needs a row; one in which the row was refused needs none, but a refusal in one message never
 * excuses the absence of the rows of another. This holds the function to its word that within a delivery it sends no row again whose
 * outcome is unknown.
 */
export function audit(published: ReadonlyMap<number, Published>, evidence: Evidence): Finding[] {
  return new Audit(published, evidence).findings;
}

class Audit {
  readonly findings: Finding[] = [];
  readonly #evidence: Evidence;
  readonly #expectation: Expectation;
  readonly #fates = new Map<Content, Fate>();

  constructor(published: ReadonlyMap<number, Published>, evidence: Evidence) {
    this.#evidence = evidence;
    this.#expectation = new Expectation(published, evidence.stored);
    this.#checkBroker(published, evidence.stored);
    for (const row of evidence.rows) this.#checkRow(row);
    this.#checkDeadLetters(evidence.deadLetters);
    for (const content of this.#expectation.contents.values()) this.#checkFate(content);
    this.#checkHistory(evidence.history);
  }

  #find(rule: Rule, what: string): void {
    this.findings.push({ rule, what });
  }

  #checkBroker(published: ReadonlyMap<number, Published>, stored: readonly StoredMessage[]): void {
    const ids = new Map<number, Set<string>>();
    for (const { messageId, publication, table } of stored) {
      if (published.get(publication)?.table !== table)
        this.#find("extra", `message ${messageId} in the topic of ${table}`);
      const known = ids.get(publication);
      if (known === undefined) ids.set(publication, new Set([messageId]));
      else known.add(messageId);
    }
    for (const { number, messageId, attempts } of published.values()) {
      const known = ids.get(number);
      if (known?.has(messageId) !== true) this.#find("missing", `message ${messageId}, which was acknowledged`);
      if ((known?.size ?? 0) > attempts) this.#find("extra", `publication ${number}: more messages than attempts`);
    }
  }

  #checkRow(row: RowGroup): void {
    const what = `row ${row.table} ${row.logId} of message ${row.messageId}`;
    if (row.wrongHashes > 0) this.#find("changed", `${what}: entry_hash is not that of entry`);
    const content = this.#expectation.contentOf(row.table, row.logId, row.entryHash);
    if (content === undefined) {
      this.#find(this.#expectation.knows(row.table, row.logId) ? "changed" : "extra", what);
    } else if (!content.messageIds.has(row.messageId)) {
      this.#find("extra", `${what}, which does not hold it`);
    } else this.#fateOf(content).rows.add(row.messageId);
  }

  #checkDeadLetters(deadLetters: readonly DeadLetter[]): void {
    const seen = new Set<string>();
    for (const deadLetter of deadLetters) {
      const slot = slotKey(deadLetter);
      if (seen.has(slot)) this.#find("twice", `dead letter ${slot}`);
      seen.add(slot);
      this.#checkDeadLetter(slot, deadLetter);
    }
    for (const slot of this.#expectation.faulty.keys()) {
      if (!seen.has(slot)) this.#find("missing", `dead letter ${slot}`);
    }
    const sent = new Set(this.#evidence.sentDeadLetters.map(slotKey));
    const kept = new Set(this.#evidence.safetyNet.map(slotKey));
    for (const slot of sent) {
      if (!seen.has(slot)) this.#find("missing", `dead letter ${slot}, which is in its topic`);
      if (!kept.has(slot)) this.#find("missing", `dead letter ${slot} in the safety net`);
    }
    for (const slot of kept) if (!sent.has(slot)) this.#find("extra", `dead letter ${slot} in the safety net`);
  }

  #checkDeadLetter(slot: string, deadLetter: DeadLetter): void {
    const faulty = this.#expectation.faulty.get(slot);
    const valid = this.#expectation.valid.get(slot);
    const what = `dead letter ${slot}`;
    if (deadLetter.conflict) this.#find("conflict", what);
    if (sha256(deadLetter.entry) !== deadLetter.entryHash) this.#find("changed", what);
    if (faulty === undefined && valid === undefined) return this.#find("extra", what);
    const table = faulty?.table ?? valid?.content.table;
    const reason = faulty?.reason ?? "ERR_ROW_REFUSED";
    if (deadLetter.reason !== reason) this.#find("reason", `${what}: ${deadLetter.reason}, not ${reason}`);
    if (deadLetter.table !== table) this.#find("reason", `${what}: ${deadLetter.table}, not ${table}`);
    if (sha256(deadLetter.data) !== (faulty ?? valid)?.dataHash) this.#find("bytes", what);
    if (valid !== undefined) this.#fateOf(valid.content).refusals.add(deadLetter.messageId);
  }

  #checkFate(content: Content): void {
    const { rows, refusals } = this.#fateOf(content);
    const what = `${content.table} ${content.logId} (${content.entryHash.slice(0, 8)})`;
    for (const messageId of content.messageIds) {
      if (rows.size === 0 && !refusals.has(messageId)) this.#find("missing", `${what} of message ${messageId}`);
    }
    for (const messageId of refusals) {
      if (rows.has(messageId) && this.#evidence.deliveries(messageId) < 2) {
        this.#find("twice", `${what}: message ${messageId} was delivered once, and is a row and a dead letter`);
      }
    }
  }

  #checkHistory(history: readonly HistoryEntry[]): void {
    const hashes = new Map<string, Set<string>>();
    for (const [{ table, logId, entryHash }, { rows }] of this.#fates) {
      if (rows.size === 0) continue;
      const key = `${table} ${logId}`;
      hashes.set(key, (hashes.get(key) ?? new Set()).add(entryHash));
    }
    const seen = new Set<string>();
    for (const { table, logId, entry, entryHash, conflict } of history) {
      const key = `${table} ${logId}`;
      const what = `${table}_history ${logId}`;
      const known = hashes.get(key);
      if (seen.has(key)) this.#find("twice", what);
      seen.add(key);
      if (sha256(entry) !== entryHash) this.#find("changed", `${what}: entry_hash is not that of entry`);
      if (known === undefined) {
        this.#find("extra", what);
        continue;
      }
      if (!known.has(entryHash)) this.#find("changed", what);
      if (conflict !== known.size > 1)
        this.#find("conflict", `${what}: ${known.size} contents, conflict = ${conflict}`);
    }
    for (const key of hashes.keys()) if (!seen.has(key)) this.#find("missing", `history of ${key}`);
  }

  #fateOf(content: Content): Fate {
    let fate = this.#fates.get(content);
    if (fate === undefined) this.#fates.set(content, (fate = { rows: new Set(), refusals: new Set() }));
    return fate;
  }
}
