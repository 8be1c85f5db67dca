import type { TableName } from "@indelible/schemas/tables.ts";

/** What became of events, since the publisher was made. */
export class Counts {
  acknowledged = 0;
  refused = 0;
  rejected = 0;
  adopted = 0;
  readonly refusedByTable: { [table in TableName]?: number } = {};
  readonly redacted: { [kind: string]: number } = {};

  addRefused(table: TableName, events: number): void {
    this.refused += events;
    this.refusedByTable[table] = (this.refusedByTable[table] ?? 0) + events;
  }

  addRedacted(findings: { readonly [kind: string]: number }): void {
    for (const kind in findings) this.redacted[kind] = (this.redacted[kind] ?? 0) + findings[kind]!;
  }
}

/**
 * Counts of events. Every event that was logged or adopted is in exactly one of queued, inFlight, acknowledged, rejected and
 * refused.
 */
export interface Stats {
  /** Wait for their first or next attempt, in memory or on disk. */
  readonly queued: number;
  /** In an attempt that has not ended. */
  readonly inFlight: number;
  /** Stored durably by Pub/Sub. */
  readonly acknowledged: number;
  /** Of queued and inFlight: on disk, and so not lost when the process is killed. */
  readonly spooled: number;
  /** Held back in the spool's `rejected` folder: too large, or redaction failed. */
  readonly rejected: number;
  /** Lost, each reported to `onError`: never accepted, or given up. */
  readonly refused: number;
  readonly refusedByTable: { readonly [table in TableName]?: number };
  /** Left by dead processes and taken over. */
  readonly adopted: number;
  /** Bytes of queued and inFlight in memory: what `maxQueuedBytes` bounds. */
  readonly queuedBytes: number;
  /** Bytes on disk: what `spool.maxBytes` bounds. */
  readonly spooledBytes: number;
  /** Secrets that were taken out, by kind (docs/redaction.md). */
  readonly redacted: { readonly [kind: string]: number };
}
