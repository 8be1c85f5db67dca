import type { TableName } from "@indelible/schemas/tables.ts";
import type { Finding, FindingCode } from "../findings.ts";
import type { KeyList } from "../key-list.ts";
import type { ObjectStore } from "../object-store.ts";
import type { RowReader } from "../row-reader.ts";
import type { AuditedSessions } from "./access-audit.ts";
import type { TableFacts } from "./retention.ts";
import type { Witness } from "../witness.ts";

/** What a verifier asks of the warehouse itself, because the answer is over all tables. */
export interface Questions {
  /** By publisher and number. @throws ERR_READ, ERR_ACCESS_DENIED; the signal's reason */
  gaps(signal?: AbortSignal): AsyncIterable<Gap>;
  /** By table and `log_id`. @throws ERR_READ, ERR_ACCESS_DENIED; the signal's reason */
  conflicts(signal?: AbortSignal): AsyncIterable<Conflict>;
}

/** Numbers of one publisher that have not arrived although a later one has, both ends included. */
export interface Gap {
  readonly publisherId: string;
  readonly firstMissing: bigint;
  readonly lastMissing: bigint;
}

/** A `log_id` of which there are entries with different content. */
export interface Conflict {
  readonly table: TableName;
  readonly logId: string;
}

/** Where a verification leaves its position. */
export interface Checkpointing {
  /** A file that need not exist. Removed at the end. */
  readonly file: string;
  /** Goes on from there, if the range, the tables and the log up to there are the same. Default: false, from the beginning. */
  readonly resume?: boolean | undefined;
  /**
   * The range in the words in which it was asked for, such as `since 30d`, which mean another time in each run. A range that was asked for
   * in the same words is the same, and a run that resumes takes over its times: see `Verification.asked`. Default: the times themselves
   * are compared.
   */
  readonly rangeText?: string | undefined;
}

export interface Limits {
  /** A table whose last window ended longer ago is overdue. Default: 2 hours. */
  readonly overdueMs: number;
  /** How long the witness may lag behind. Default: 1 hour. */
  readonly witnessLagMs: number;
  /** How long after the commit the row of a seal may be missing. Default: 1 hour. */
  readonly sealRowLagMs: number;
  /** How long after a seal its read may be missing in the access audit. Default: 2 hours. */
  readonly auditLagMs: number;
  /** Findings of each code that are listed; all are counted. Default: 1,000. */
  readonly findingsPerCode: number;
  /** Sealed rows that are read at once. Default: 65,536. */
  readonly rowsPerRead: number;
  /** Rows beyond the sealed ones that are looked at in one read. Default: 100,000. */
  readonly extraRows: number;
  /** Missing and extra rows of which it is found out whether they have been moved. Default: 10,000 of each. */
  readonly strays: number;
}

const hourMs = 3_600_000;

export const DEFAULT_LIMITS: Limits = {
  overdueMs: 2 * hourMs,
  witnessLagMs: hourMs,
  sealRowLagMs: hourMs,
  auditLagMs: 2 * hourMs,
  findingsPerCode: 1000,
  rowsPerRead: 65_536,
  extraRows: 100_000,
  strays: 10_000,
};

export interface Advance {
  readonly rowsDone: number;
  /** Of what was sealed; rows that are not sealed yet come on top. */
  readonly rowsTotal: number;
}

export interface VerifyOptions {
  readonly reader: RowReader;
  readonly store: ObjectStore;
  /** The keys that are trusted, and the origin of the log; from somewhere else than the log. */
  readonly keys: KeyList;
  /** The clock, in microseconds since 1970. */
  readonly now: () => bigint;
  /** Default: every sealed table. */
  readonly tables?: readonly TableName[] | undefined;
  /** By `ingested_at`, in microseconds since 1970, inclusive. Default: from the beginning. */
  readonly since?: bigint | undefined;
  /** Exclusive. Default: to the last seal, and the rows after it are looked at by themselves. */
  readonly until?: bigint | undefined;
  /** Default: none, and a log that was rolled back by whoever holds its key is not found. */
  readonly witness?: Pick<Witness, "notes"> | undefined;
  /** File of the last checkpoint that this verifier has seen; it need not exist yet. Default: nothing is remembered. */
  readonly memory?: string | undefined;
  /** Default: gaps and conflicts are not asked for. */
  readonly questions?: Questions | undefined;
  /** What the warehouse says of a table; undefined when there is none. Default: not asked. */
  readonly facts?: ((table: TableName) => Promise<TableFacts | undefined>) | undefined;
  /** Which of these read sessions `log_access_audit` knows. Default: not asked. */
  readonly auditedSessions?: AuditedSessions | undefined;
  readonly checkpointing?: Checkpointing | undefined;
  readonly limits?: Partial<Limits> | undefined;
  readonly onProgress?: ((advance: Advance) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Microseconds since 1970, inclusive and exclusive. */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

export interface Counts {
  /** Windows whose rows are the sealed ones. */
  readonly windows: number;
  /** Windows whose rows are gone because their retention is over: verified as that. */
  readonly expiredWindows: number;
  /** Rows that were read in sealed windows. */
  readonly rows: number;
  /** Rows that came in after the last seal: each was held against itself, none against a seal. */
  readonly unsealedRows: number;
}

export interface TableVerification extends Counts {
  readonly table: TableName;
  /** What was verified, in whole windows: those at the borders of the range asked for reach beyond it. At most 1,000 ranges. */
  readonly verified: readonly Range[];
  /** Further ranges, which are not listed. */
  readonly rangesLeftOut: number;
}

export interface Verification {
  /** No violation, everything that was asked for is covered, and there was a sealed row in it, or one that has expired. */
  readonly verified: boolean;
  /** What was asked for; when a position was taken up that was asked for in the same words, the range of that. */
  readonly asked: {
    readonly tables: readonly TableName[];
    readonly since: bigint | undefined;
    readonly until: bigint | undefined;
  };
  readonly log: {
    readonly origin: string;
    readonly commits: number;
    readonly seals: bigint;
    /** Hex. */
    readonly rootHash: string;
    /** Rows of table `seals`; undefined when there is no such table. */
    readonly sealRows: number | undefined;
  };
  readonly tables: readonly TableVerification[];
  readonly counts: Counts;
  /** Of each code the first few. */
  readonly findings: readonly Finding[];
  /** All that were found, by code. */
  readonly findingCounts: { readonly [code in FindingCode]?: number };
  /** Whether it went on where an interrupted one had ended. */
  readonly resumed: boolean;
}
