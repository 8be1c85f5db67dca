import type { TableName } from "@indelible/schemas/tables.ts";

interface FindingKind {
  readonly level: "violation" | "notice";
  readonly meaning: string;
}

export type FindingCode =
  | "modified"
  | "projection-differs"
  | "missing"
  | "extra"
  | "moved"
  | "duplicated"
  | "window-differs"
  | "table-missing"
  | "table-recreated"
  | "retention-shortened"
  | "seal-missing"
  | "seal-modified"
  | "seal-extra"
  | "seal-duplicated"
  | "log-damaged"
  | "bad-signature"
  | "unknown-key"
  | "other-origin"
  | "forked"
  | "rolled-back"
  | "witness-behind"
  | "seal-overdue"
  | "unsealed"
  | "clock-regression"
  | "gap"
  | "conflict"
  | "access-unaudited"
  | "expired";

/** What `verify` can find, by its stable code: a violation fails the verification, a notice does not. */
export const findingKinds: { readonly [code in FindingCode]: FindingKind } = {
  modified: { level: "violation", meaning: "A row is not what was sealed, or its entry does not have its hash." },
  "projection-differs": { level: "violation", meaning: "A typed column does not say what the entry says." },
  missing: { level: "violation", meaning: "A row that was sealed is not there." },
  extra: {
    level: "violation",
    meaning: "A row stands in a sealed window that was not there when it was sealed, or at a time that has not come.",
  },
  moved: {
    level: "violation",
    meaning: "A row that was sealed stands elsewhere: in another table, or under another time.",
  },
  duplicated: { level: "violation", meaning: "A row that was sealed once is there several times." },
  "window-differs": {
    level: "violation",
    meaning: "The rows of a window do not have the sealed root, and which row differs cannot be told.",
  },
  "table-missing": { level: "violation", meaning: "A table that has been sealed is not there." },
  "table-recreated": { level: "violation", meaning: "A table was created after its first rows were sealed." },
  "retention-shortened": {
    level: "violation",
    meaning: "Partitions of a table expire sooner than declared.",
  },
  "seal-missing": { level: "violation", meaning: "A seal of the log is not in the table of seals." },
  "seal-modified": { level: "violation", meaning: "A seal in the table is not the one of the log." },
  "seal-extra": { level: "violation", meaning: "The table of seals has one that the log does not have." },
  "seal-duplicated": {
    level: "notice",
    meaning: "The table of seals has a seal of the log more than once: rows of seals come in at least once.",
  },
  "log-damaged": {
    level: "violation",
    meaning: "The seal log is not one unbroken log: a commit is missing, or does not follow from the one before.",
  },
  "bad-signature": { level: "violation", meaning: "A checkpoint is not signed by the key that it names." },
  "unknown-key": { level: "violation", meaning: "A checkpoint is signed by no key that is valid for its time." },
  "other-origin": { level: "violation", meaning: "A checkpoint is of another log." },
  forked: { level: "violation", meaning: "Two checkpoints of the log contradict each other." },
  "rolled-back": { level: "violation", meaning: "The log is shorter than it has been." },
  "witness-behind": { level: "violation", meaning: "The witness has not been shown the latest checkpoints." },
  "seal-overdue": { level: "violation", meaning: "The sealer is late: what came in since then is not protected." },
  unsealed: { level: "violation", meaning: "The range asked for reaches beyond what is sealed." },
  "clock-regression": { level: "violation", meaning: "A seal says that it was made before the one before it." },
  gap: { level: "violation", meaning: "Numbers of a publisher's sequence are missing." },
  conflict: { level: "violation", meaning: "Two entries have the same log_id and different content." },
  "access-unaudited": {
    level: "violation",
    meaning: "A read that is known to have happened is not in log_access_audit.",
  },
  expired: { level: "notice", meaning: "The rows of a window are gone because their retention is over." },
};

/** One thing that is not as it should be, or that a reader has to know. */
export interface Finding {
  readonly code: FindingCode;
  /** What is wrong, in a sentence that names values as they are stored and as they were sealed; never content of an entry. */
  readonly message: string;
  readonly table?: TableName;
  readonly logId?: string;
  /** Microseconds since 1970, inclusive and exclusive. */
  readonly window?: { readonly start: bigint; readonly end: bigint };
  readonly logIndex?: bigint;
}

export function levelOf(finding: Finding): "violation" | "notice" {
  return findingKinds[finding.code].level;
}
