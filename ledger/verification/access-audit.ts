/** Whether the access audit knows the reads that are known to have happened: those by which the sealer saw what it sealed. */
import type { Finding } from "../findings.ts";
import type { Seal } from "../seal-entry.ts";
import { shown } from "./checkpoints.ts";
import { expiresAt, retentionMsOf } from "./retention.ts";

const MAX_ASKED = 500;

export interface AccessAuditOptions {
  readonly auditedSessions: (sessions: ReadonlySet<string>) => Promise<ReadonlySet<string>>;
  readonly onFinding: (finding: Finding) => void;
  /** In microseconds since 1970. */
  readonly now: bigint;
  readonly lagMs: number;
}

export class AccessAudit {
  readonly #options: AccessAuditOptions;
  #waiting: Seal[] = [];

  constructor(options: AccessAuditOptions) {
    this.#options = options;
  }

  /** Asks for the seal's read when there are enough to ask for. */
  async add(seal: Seal): Promise<void> {
    const { now, lagMs } = this.#options;
    const { readSession, sealedAt } = seal;
    if (readSession === undefined || sealedAt >= now - BigInt(lagMs) * 1000n) return;
    if (expiresAt(sealedAt, retentionMsOf("log_access_audit")) <= now) return;
    this.#waiting.push(seal);
    if (this.#waiting.length >= MAX_ASKED) await this.finish();
  }

  /** Asks for those that are left. */
  async finish(): Promise<void> {
    const seals = this.#waiting;
    if (seals.length === 0) return;
    this.#waiting = [];
    const known = await this.#options.auditedSessions(new Set(seals.map(({ readSession }) => readSession as string)));
    for (const { readSession, table, window, logIndex } of seals) {
      if (known.has(readSession as string)) continue;
      const message = `log_access_audit does not know the read ${shown(readSession as string)}, by which the window was sealed`;
      this.#options.onFinding({ code: "access-unaudited", message, table, window, logIndex });
    }
  }
}
