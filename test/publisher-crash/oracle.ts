import type { Slot } from "./events.ts";
import type { Ledger } from "./ledger.ts";

/** What arrived: one for each row of a history view. */
export interface Entry {
  readonly table: string;
  readonly logId: string;
  /** Undefined: the event does not say who has logged it. */
  readonly slot: Slot | undefined;
  /** Of the text that arrived, lower-case hex. */
  readonly textHash: string;
  /** Whether the same `log_id` came with other content. */
  readonly conflict: boolean;
}

/** What a run has left behind. */
export interface Evidence {
  readonly entries: Iterable<Entry>;
  /** Dead letters, by reason. */
  readonly deadLetters: readonly string[];
  /** The files of all `quarantine` folders by name. */
  readonly quarantine: ReadonlyMap<string, Buffer>;
  /** What else is in the spools, lines of `rejected` files among it, but not the folders that are always there. */
  readonly left: readonly string[];
}

/**
 * - `missing`: a finished tick had returned its `log_id`, and it is nowhere, though nothing has damaged it.
 * - `twice`: one `log_id`, or one call, is there more than once.
 * - `conflict`: a `log_id` came with two contents.
 * - `changed`: a text is not what was logged.
 * - `extra`: something that nobody has logged, or a call under another `log_id` than it had returned.
 * - `silent`: damage that is not in quarantine byte by byte, or that nobody was told of.
 * - `left`: something is still in a spool, or is a dead letter.
 * - `report`: `onError` was told what nothing accounts for.
 * - `trouble`: a process ended as it should not have.
 */
export type Rule = "missing" | "twice" | "conflict" | "changed" | "extra" | "silent" | "left" | "report" | "trouble";

export interface Finding {
  readonly rule: Rule;
  readonly what: string;
}

/**
 * Holds what arrived against what was logged; empty when each `log_id` that a finished tick had returned is there exactly once.
 *
 * What an unfinished tick logged may be there or not, but nothing else may. What was damaged on purpose may be there too: it
 * can have been sent before.
 */
export function audit(ledger: Ledger, evidence: Evidence): Finding[] {
  const findings: Finding[] = [];
  const find = (rule: Rule, what: string): void => void findings.push({ rule, what });
  const arrived = new Set<string>();
  const calls = new Set<string>();
  for (const { table, logId, slot, textHash, conflict } of evidence.entries) {
    const what = `${table} ${logId}`;
    if (arrived.has(logId)) {
      find("twice", what);
      continue;
    }
    arrived.add(logId);
    if (conflict) find("conflict", what);
    if (slot === undefined || slot.index >= (ledger.announced.get(slot.tick) ?? 0)) {
      find("extra", `${what}, which nobody has logged`);
      continue;
    }
    const call = `${slot.tick}/${slot.index}`;
    const returned = ledger.returned.get(slot.tick)?.[slot.index];
    if (returned !== undefined && returned !== logId) find("extra", `${what}: call ${call} had returned ${returned}`);
    else if (calls.has(call)) find("twice", `${what}: call ${call} is there under another log_id`);
    calls.add(call);
    if (textHash !== slot.hash) find("changed", what);
  }
  const touched = new Set(ledger.damages.flatMap((damage) => damage.touched));
  for (const [tick, logIds] of ledger.returned) {
    for (const [index, logId] of logIds.entries()) {
      if (!arrived.has(logId) && !touched.has(logId)) find("missing", `${logId} of call ${tick}/${index}`);
    }
  }
  auditDamage(ledger, evidence, find);
  for (const reason of evidence.deadLetters) find("left", `a dead letter: ${reason}`);
  for (const path of evidence.left) find("left", path);
  for (const { code, message } of ledger.strangeReports) find("report", `${code}: ${message}`);
  for (const trouble of ledger.troubles) find("trouble", trouble);
  return findings;
}

function auditDamage(ledger: Ledger, { quarantine }: Evidence, find: (rule: Rule, what: string) => void): void {
  const accounted = new Set<string>();
  for (const { path, kind, quarantined } of ledger.damages) {
    for (const { name, bytes } of quarantined) {
      accounted.add(name);
      const kept = quarantine.get(name);
      if (kept === undefined) find("silent", `${path}, ${kind}: ${name} is not in quarantine`);
      else if (!kept.equals(bytes)) find("silent", `${path}, ${kind}: ${name} in quarantine has other bytes`);
    }
  }
  for (const { path, kind } of ledger.unreported) find("silent", `${path}, ${kind}: nobody was told`);
  for (const [name, bytes] of quarantine) {
    if (!accounted.has(name) && !isTornEnd(bytes)) find("extra", `${name} in quarantine, which nobody has damaged`);
  }
}

/** What a kill in the middle of a write leaves: the beginning of one record. Somebody else may have adopted it at once. */
export function isTornEnd(bytes: Buffer): boolean {
  return !bytes.includes("\n") && /^[0-9a-f]{0,8}$|^[0-9a-f]{8} /.test(bytes.toString("latin1", 0, 9));
}
