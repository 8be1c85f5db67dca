/** Everything about the seal log itself: that it is one log, signed, the one that was seen before, and the one that table `seals` shows. */
import type { Finding, FindingCode } from "../findings.ts";
import { contradiction, type Position } from "./checkpoints.ts";
import { AccessAudit } from "./access-audit.ts";
import type { FindingList } from "./finding-list.ts";
import { readLog, type SealLog } from "./log.ts";
import { openMemory, type Memory } from "./memory.ts";
import type { Limits, VerifyOptions } from "./options.ts";
import type { Asked } from "./progress-file.ts";
import { tableMissing } from "./retention.ts";
import { compareSeals, sealColumns } from "./seals-table.ts";
import { compareWitness, readWitness } from "./witness.ts";

export interface ExaminationOptions extends Omit<VerifyOptions, "limits"> {
  readonly limits: Limits;
  readonly asked: Asked;
  readonly findings: FindingList;
  readonly nowMicros: bigint;
  /** Further sizes of the log at which its root is wanted. */
  readonly sizes: readonly bigint[];
}

export interface Examination {
  readonly log: SealLog;
  /** Whether nothing speaks against the log itself, so that it may be remembered. */
  readonly isSound: boolean;
  readonly memory: Memory | undefined;
  /** Rows of table `seals`; undefined when there is no such table. */
  readonly sealRows: number | undefined;
}

/** What speaks against the log itself, and not only against what stands around it. */
const againstTheLog: readonly FindingCode[] = [
  "log-damaged",
  "bad-signature",
  "unknown-key",
  "other-origin",
  "forked",
  "rolled-back",
  "clock-regression",
];

/**
 * What others have seen of the log is read before the log, because that only grows: what they have seen by then must be in it.
 * @throws ERR_STORE, ERR_READ, ERR_CONFIG
 */
export async function examineLog(options: ExaminationOptions): Promise<Examination> {
  const { reader, store, keys, limits, signal, findings, nowMicros: now } = options;
  const onFinding = (finding: Finding): void => findings.add(finding);
  const witnessed =
    options.witness === undefined ? undefined : await readWitness(options.witness, keys, onFinding, signal);
  const memory = options.memory === undefined ? undefined : await openMemory(options.memory, keys);
  for (const finding of memory?.findings ?? []) onFinding(finding);
  const remembered = memory?.remembered;
  // Before the log, so that each row is of a commit that the log has by then; and not earlier, because a read session lasts some hours.
  const read = await reader.read({ table: "seals", columns: sealColumns, signal });
  const readAt = options.now();
  const audit = auditOf(options, onFinding);
  const onSeal = audit === undefined ? undefined : audit.add;
  const sizes = new Set(options.sizes);
  const signedSizes = sizesOf(witnessed ?? [], remembered === undefined ? [] : [remembered]);
  const log = await readLog({ store, keys, sizes, signedSizes, onFinding, onSeal, signal });
  await audit?.finish();
  if (witnessed !== undefined)
    for (const finding of compareWitness(witnessed, log, limits.witnessLagMs, now)) onFinding(finding);
  if (remembered !== undefined) {
    const finding = contradiction(remembered, log, "this verifier");
    if (finding !== undefined) onFinding(finding);
  }
  const isSound = againstTheLog.every((code) => findings.count(code) === 0);

  let sealRows: number | undefined;
  if (read !== undefined) {
    sealRows = await compareSeals({
      read,
      entries: log.entries,
      onFinding,
      now: readAt,
      lagMs: limits.sealRowLagMs,
      signal,
    });
  } else if (log.size > 0n) {
    onFinding(tableMissing("seals"));
  }
  return { log, isSound, memory, sealRows };
}

function* sizesOf(...seen: readonly Iterable<Position>[]): Generator<bigint> {
  for (const positions of seen) for (const { size } of positions) yield size;
}

interface Audit {
  add(seal: Parameters<AccessAudit["add"]>[0]): Promise<void>;
  finish(): Promise<void>;
}

/** Asks for the reads of what is in the range asked for. */
function auditOf(options: ExaminationOptions, onFinding: (finding: Finding) => void): Audit | undefined {
  const { auditedSessions, limits, asked, now } = options;
  if (auditedSessions === undefined) return undefined;
  const { tables, since = 0n, until } = asked;
  const audit = new AccessAudit({ auditedSessions, onFinding, now, lagMs: limits.auditLagMs });
  return {
    async add(seal) {
      const { start, end } = seal.window;
      const isAsked = tables.includes(seal.table) && end > since && (until === undefined || start < until);
      if (isAsked) await audit.add(seal);
    },
    finish: () => audit.finish(),
  };
}
