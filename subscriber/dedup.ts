import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { RefusedRow } from "./appender.ts";
import { DedupMemory } from "./dedup-memory.ts";
import type { Entry } from "./hash.ts";
import type { SharedDedup } from "./shared-dedup.ts";

/**
 * Keeps what is delivered again from being appended again. It saves rows; it is not what makes the log exact: the history views
 * collapse what slips through, after a restart or when a store that instances share is away.
 *
 * An entry is known by its `log_id` within a table. With the same `log_id` and other content it is a conflict, not a duplicate: it is
 * written, so that readers can see both.
 */
export interface Dedup {
  /**
   * Runs `append` with those of `entries` that are neither known to be appended to `table` nor being appended by another call, each once;
   * it is not run when there are none. Only what it acknowledged is marked as known.
   *
   * What another call is appending is waited for, after this call's own append: written there, it is a duplicate; refused there, it is
   * refused here for the same reason. Entries are claimed before anything is waited for and all at once, so that a call waits for earlier
   * ones only.
   *
   * @throws what `append` throws; a retryable IndelibleError when a call that was waited for failed. What this call itself appended
   *   is known then
   */
  once(
    table: TableName,
    entries: readonly Entry[],
    append: (unseen: readonly Entry[]) => Promise<readonly RefusedRow[]>,
  ): Promise<DedupOutcome>;
  /** Whether what other instances know is not being asked, or not told, because their store fails. */
  readonly degraded: boolean;
  close(): Promise<void>;
}

/** What became of the entries of one call: accepted, duplicates and refused add up to them. */
export interface DedupOutcome {
  /** Written by this call, in their order. */
  readonly accepted: readonly Entry[];
  /** Known, written by another call meanwhile, or further copies within this call. */
  readonly duplicates: number;
  /** Of the accepted: their `log_id` is known with other content. */
  readonly conflicts: number;
  /** What BigQuery will never take, in this call or in the one that was waited for. */
  readonly refused: readonly RefusedEntry[];
}

export interface RefusedEntry {
  readonly entry: Entry;
  readonly code: RefusedRow["code"];
  readonly reason: string;
}

export interface DedupOptions {
  /** Bytes of memory for what is known. Default 64 MiB. */
  readonly maxBytes?: number;
  /** What instances share; it is closed with the dedup. Default: each instance knows only what itself appended. */
  readonly shared?: SharedDedup;
}

export function createDedup({ maxBytes, shared }: DedupOptions = {}): Dedup {
  return new ClaimingDedup(new DedupMemory(maxBytes), shared);
}

/** How the append of a call ended: with an error, or with these rows refused and the others written. */
type Settlement = { readonly error: unknown } | { readonly refused: readonly RefusedEntry[] };

/** One run of `once`, as others see it that hold entries which it has claimed. */
class Claimant {
  #settled: PromiseWithResolvers<Settlement> | undefined;

  /** To be asked for before the claimant settles. It never rejects. */
  get settled(): Promise<Settlement> {
    return (this.#settled ??= Promise.withResolvers<Settlement>()).promise;
  }

  settle(settlement: Settlement): void {
    this.#settled?.resolve(settlement);
  }
}

interface Awaited {
  readonly entry: Entry;
  readonly settled: Promise<Settlement>;
}

class ClaimingDedup implements Dedup {
  readonly #memory: DedupMemory;
  readonly #shared: SharedDedup | undefined;
  /** Who is appending what, by `entry_hash`, which stands for `log_id` and content alike. */
  readonly #claims = new Map<TableName, Map<string, Claimant>>();

  constructor(memory: DedupMemory, shared: SharedDedup | undefined) {
    this.#memory = memory;
    this.#shared = shared;
  }

  get degraded(): boolean {
    return this.#shared?.degraded ?? false;
  }

  async once(...[table, entries, append]: Parameters<Dedup["once"]>): Promise<DedupOutcome> {
    const claimant = new Claimant();
    const claims = this.#claimsOn(table);
    const claimed: Entry[] = [];
    let awaited: Awaited[] | undefined;
    for (const entry of entries) {
      const owner = claims.get(entry.entryHash);
      if (owner === undefined) {
        if (this.#memory.knows(table, entry)) continue;
        claims.set(entry.entryHash, claimant);
        claimed.push(entry);
      } else if (owner !== claimant) {
        (awaited ??= []).push({ entry, settled: owner.settled });
      }
    }

    let accepted: readonly Entry[] = claimed;
    let refused: readonly RefusedEntry[] = [];
    let conflicts = 0;
    try {
      const unseen = this.#shared === undefined ? claimed : await this.#unknownTo(this.#shared, table, claimed);
      const refusedRows = unseen.length === 0 ? [] : await append(unseen);
      refused = refusedRows.map(({ position, code, reason }) => ({ entry: unseen[position] as Entry, code, reason }));
      accepted = without(unseen, refused);
      for (const entry of accepted) if (this.#memory.mark(table, entry)) conflicts += 1;
      claimant.settle({ refused });
    } catch (error) {
      claimant.settle({ error });
      throw error;
    } finally {
      for (const { entryHash } of claimed) claims.delete(entryHash);
    }

    await this.#shared?.mark(table, accepted);
    if (awaited !== undefined) refused = [...refused, ...(await refusedElsewhere(awaited))];
    return { accepted, duplicates: entries.length - accepted.length - refused.length, conflicts, refused };
  }

  async close(): Promise<void> {
    await this.#shared?.close();
  }

  #claimsOn(table: TableName): Map<string, Claimant> {
    let claims = this.#claims.get(table);
    if (claims === undefined) this.#claims.set(table, (claims = new Map()));
    return claims;
  }

  /** What the shared store does not know either; what it knows is known in memory from then on. */
  async #unknownTo(shared: SharedDedup, table: TableName, entries: readonly Entry[]): Promise<readonly Entry[]> {
    if (entries.length === 0) return entries;
    const hashes = await shared.lookup(table, entries);
    return entries.filter(({ logId, entryHash }, position) => {
      const known = hashes[position];
      if (known !== undefined) this.#memory.mark(table, { logId, entryHash: known });
      return known !== entryHash;
    });
  }
}

function without(entries: readonly Entry[], refused: readonly RefusedEntry[]): readonly Entry[] {
  if (refused.length === 0) return entries;
  const refusedEntries = new Set(refused.map(({ entry }) => entry));
  return entries.filter((entry) => !refusedEntries.has(entry));
}

/**
 * Those of the entries that the calls they were waiting for saw refused; the others are written.
 * @throws a retryable error when one of those calls failed
 */
async function refusedElsewhere(awaited: readonly Awaited[]): Promise<RefusedEntry[]> {
  const refused: RefusedEntry[] = [];
  const byHash = new Map<Promise<Settlement>, Map<string, RefusedEntry>>();
  for (const { entry, settled } of awaited) {
    let refusals = byHash.get(settled);
    if (refusals === undefined) {
      const settlement = await settled;
      if ("error" in settlement) throw failedElsewhere(settlement.error);
      byHash.set(settled, (refusals = new Map(settlement.refused.map((one) => [one.entry.entryHash, one]))));
    }
    const refusal = refusals.get(entry.entryHash);
    if (refusal !== undefined) refused.push({ ...refusal, entry });
  }
  return refused;
}

function failedElsewhere(cause: unknown): IndelibleError {
  const code = IndelibleError.is(cause) && cause.retryable ? cause.code : "ERR_APPEND_OUTCOME_UNKNOWN";
  return new IndelibleError(code, "the append of another delivery of the same entry failed", { cause });
}
