/** Whether the access audit knows the reads that are known to have happened: those by which the sealer saw what it sealed. */
import type { Finding } from "../findings.ts";
import type { Seal } from "../seal-entry.ts";
import { shown } from "./checkpoints.ts";
import type { Range } from "./options.ts";
import { expiresAt, retentionMsOf } from "./retention.ts";
import { DAY_MICROS } from "./time.ts";

const MAX_ASKED = 500;

/** Records of reads come in within minutes; a week is for a sink that stood still. */
const BEFORE_MICROS = DAY_MICROS;
const AFTER_MICROS = 7n * DAY_MICROS;

/**
 * Which of these read sessions `log_access_audit` knows.
 * @param ingested only records that came in then, so that the warehouse does not look through all of them. Default: all
 */
export type AuditedSessions = (sessions: ReadonlySet<string>, ingested?: Range) => Promise<ReadonlySet<string>>;

export interface AccessAuditOptions {
  readonly auditedSessions: AuditedSessions;
  readonly onFinding: (finding: Finding) => void;
  /** The clock, in microseconds since 1970. */
  readonly now: () => bigint;
  readonly lagMs: number;
}

/**
 * Asks for the reads of some hundred seals at once: first among the records of about their time, and for those that are not there among all
 * records. Memory: some hundred seals.
 */
export class AccessAudit {
  readonly #options: AccessAuditOptions;
  #waiting: AuditedSeal[] = [];
  #notNear: AuditedSeal[] = [];

  constructor(options: AccessAuditOptions) {
    this.#options = options;
  }

  /** Asks for the seal's read when there are enough to ask for. */
  async add(seal: Seal): Promise<void> {
    const { now, lagMs } = this.#options;
    const { readSession, sealedAt } = seal;
    if (readSession === undefined || sealedAt >= now() - BigInt(lagMs) * 1000n || this.#isExpired(seal)) return;
    this.#waiting.push({ ...seal, readSession });
    if (this.#waiting.length >= MAX_ASKED) await this.#askNear();
  }

  /** Asks for those that are left. */
  async finish(): Promise<void> {
    await this.#askNear();
    await this.#askAll();
  }

  async #askNear(): Promise<void> {
    const seals = this.#waiting;
    this.#waiting = [];
    for (const seal of await this.#unknown(seals, timeOf(seals))) {
      this.#notNear.push(seal);
      if (this.#notNear.length >= MAX_ASKED) await this.#askAll();
    }
  }

  async #askAll(): Promise<void> {
    const seals = this.#notNear;
    this.#notNear = [];
    for (const seal of await this.#unknown(seals)) {
      if (this.#isExpired(seal)) continue;
      const { readSession, table, window, logIndex } = seal;
      const message = `log_access_audit does not know the read ${shown(readSession)}, by which the window was sealed`;
      this.#options.onFinding({ code: "access-unaudited", message, table, window, logIndex });
    }
  }

  #isExpired({ sealedAt }: Seal): boolean {
    return expiresAt(sealedAt, retentionMsOf("log_access_audit")) <= this.#options.now();
  }

  async #unknown(seals: readonly AuditedSeal[], ingested?: Range): Promise<AuditedSeal[]> {
    if (seals.length === 0) return [];
    const known = await this.#options.auditedSessions(new Set(seals.map(({ readSession }) => readSession)), ingested);
    return seals.filter(({ readSession }) => !known.has(readSession));
  }
}

type AuditedSeal = Seal & { readonly readSession: string };

function timeOf(seals: readonly Seal[]): Range | undefined {
  const times = seals.map(({ sealedAt }) => sealedAt).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const [first, last] = [times[0], times.at(-1)];
  return first === undefined || last === undefined
    ? undefined
    : { start: first - BEFORE_MICROS, end: last + AFTER_MICROS };
}
