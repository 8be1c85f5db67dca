/**
 * Verifies the log from outside: that the seal log is one unbroken, signed log, the one that was seen before, and that the rows of the
 * warehouse are those that were sealed. Whatever the warehouse says, there is a finding or there is none; only what cannot be reached is
 * an error.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import type { Finding } from "./findings.ts";
import { FindingList } from "./verification/finding-list.ts";
import { examineLog, type Examination } from "./verification/log-examination.ts";
import {
  DEFAULT_LIMITS,
  type Checkpointing,
  type Counts,
  type Verification,
  type VerifyOptions,
} from "./verification/options.ts";
import { loadProgress, removeProgress, saveProgress, type Asked } from "./verification/progress-file.ts";
import { RowExamination } from "./verification/row-examination.ts";
import {
  examineTables,
  hindrances,
  isWhole,
  learnTables,
  missingTables,
  type KnownTables,
} from "./verification/table-examination.ts";

export type * from "./verification/options.ts";
export type { TableFacts } from "./verification/retention.ts";

/**
 * Runs once over everything that is asked for, however much is wrong. Memory: some 70 bytes for each seal of the log and 80 for each note
 * of the witness, and the identities of the rows of one read. The position is saved after each read, if it is to be saved, and removed at the end.
 *
 * @throws ERR_CONFIG when what is asked cannot be; ERR_STORE, ERR_READ, ERR_ACCESS_DENIED; the signal's reason
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { keys, store, checkpointing, signal } = options;
  const requested = askedOf(options);
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  // Of whether the log is late. A run may last for hours: whether something has expired is asked when it is looked at.
  const startedAt = options.now();
  // What is found anew in each run; what the rows show is saved with the position.
  const findings = new FindingList(limits.findingsPerCode);
  const onFinding = (finding: Finding): void => findings.add(finding);

  const saved =
    checkpointing?.resume === true
      ? await loadProgress(checkpointing.file, requested, checkpointing.rangeText)
      : undefined;
  const asked = saved?.asked ?? requested;
  const known = await learnTables(options);
  const { reader } = known;
  const sizes = saved === undefined ? [] : [sizeOf(saved.log.size)];
  const examination = await examineLog({
    ...options,
    auditedSessions: auditOf(options, known),
    reader,
    limits,
    asked,
    findings,
    nowMicros: startedAt,
    sizes,
  });
  const { log, memory, isSound } = examination;
  for (const finding of examineTables(log, known, asked, startedAt, limits.overdueMs)) onFinding(finding);

  const save = async ({ file, rangeText }: Checkpointing): Promise<void> => {
    const at = { origin: keys.origin, size: String(log.size), root: log.root.toString("hex") };
    await saveProgress(file, asked, rangeText, { log: at, ...rows.save() });
  };
  const onRead = checkpointing === undefined ? undefined : () => save(checkpointing);
  const { onProgress, now } = options;
  const rows = new RowExamination({ reader, store, limits, asked, now, onFinding, onProgress, onRead, signal });
  // A longer log is still the one that it was.
  const isSameLog =
    saved !== undefined &&
    saved.log.origin === keys.origin &&
    log.rootAt(sizeOf(saved.log.size))?.toString("hex") === saved.log.root;
  const resumed = isSameLog && rows.restore(saved);
  await rows.run(log, missingTables(known));
  for await (const finding of answers(options, asked, known)) onFinding(finding);

  findings.addAll(rows.findings);
  const verification = resultOf(options, asked, examination, rows, findings, resumed);
  if (isSound && log.checkpoint !== undefined) await memory?.remember(log.checkpoint);
  if (checkpointing !== undefined) await removeProgress(checkpointing.file);
  return verification;
}

/** @throws ERR_CONFIG */
function askedOf({ tables = sealedTables, since, until }: VerifyOptions): Asked {
  const asked = { tables: sealedTables.filter((table) => tables.includes(table)), since, until };
  if (asked.tables.length === 0) {
    throw new IndelibleError("ERR_CONFIG", "no table that is sealed is to be verified", {
      hint: `Name some of: ${sealedTables.join(", ")}.`,
    });
  }
  if (until !== undefined && until <= (since ?? 0n)) {
    throw new IndelibleError("ERR_CONFIG", "the range to be verified ends before it begins", {
      hint: "Give a time for the end that is later than the one for the beginning, and than 1970.",
    });
  }
  return asked;
}

/** An audit that is not there, or not what it was, knows no reads. */
function auditOf({ auditedSessions }: VerifyOptions, known: KnownTables): VerifyOptions["auditedSessions"] {
  if (auditedSessions === undefined || isWhole(known, "log_access_audit")) return auditedSessions;
  return () => Promise.resolve(new Set());
}

/** Asks the warehouse what it can answer by itself. */
async function* answers(
  { questions, signal }: VerifyOptions,
  { tables }: Asked,
  known: KnownTables,
): AsyncGenerator<Finding> {
  if (questions === undefined) return;
  const why = [...hindrances(known)];
  if (why.length > 0) {
    const isSaid = (table: Finding["table"]): boolean => table === "seals" || tables.some((asked) => asked === table);
    yield* why.filter(({ code, table }) => code !== "table-missing" || !isSaid(table));
    return;
  }
  for await (const { publisherId, firstMissing, lastMissing } of questions.gaps(signal)) {
    const which = firstMissing === lastMissing ? `number ${firstMissing}` : `numbers ${firstMissing} to ${lastMissing}`;
    yield { code: "gap", message: `of the publisher ${JSON.stringify(publisherId)} the ${which} did not arrive` };
  }
  for await (const { table, logId } of questions.conflicts(signal)) {
    if (!tables.includes(table)) continue;
    yield { code: "conflict", message: "entries with this log_id say different things", table, logId };
  }
}

function resultOf(
  { keys }: VerifyOptions,
  asked: Asked,
  { log, sealRows }: Examination,
  rows: RowExamination,
  findings: FindingList,
  resumed: boolean,
): Verification {
  const tables = rows.results();
  const sum = (count: keyof Counts): number => tables.reduce((total, table) => total + table[count], 0);
  // Without a violation the windows of a table have no holes, and reach from the range's beginning to its end.
  const isCovered = tables.every(({ verified }) => verified.length === 1);
  const counts: Counts = {
    windows: sum("windows"),
    expiredWindows: sum("expiredWindows"),
    rows: sum("rows"),
    unsealedRows: sum("unsealedRows"),
  };
  // Who asks for the wrong range must not be told that all is well.
  const isEmpty = counts.rows === 0 && counts.expiredWindows === 0;
  return {
    verified: !findings.hasViolations() && isCovered && !isEmpty,
    asked,
    log: {
      origin: keys.origin,
      commits: log.commits,
      seals: log.size,
      rootHash: log.root.toString("hex"),
      sealRows,
    },
    tables,
    counts,
    findings: findings.listed(),
    findingCounts: findings.counts(),
    resumed,
  };
}

function sizeOf(text: string): bigint {
  return /^\d{1,19}$/.test(text) ? BigInt(text) : -1n;
}
