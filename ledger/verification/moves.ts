/**
 * A row that is missing where it was sealed and stands where none was sealed, has been moved: to another table, or to another time. What
 * is missing and what is extra is kept until both can be told; more than the bound are reported as what they are at once.
 */
import { sealedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { Finding } from "../findings.ts";
import { DEFAULT_LIMITS } from "./options.ts";
import { named } from "./rows.ts";
import { timeText } from "./time.ts";

/** A row that is not where it was sealed, or was not sealed where it is. */
export interface Stray {
  readonly table: TableName;
  readonly logId: string;
  readonly entryHash: string;
  /** Microseconds since 1970; undefined: NULL. */
  readonly ingestedAt: bigint | undefined;
  /** The window that it was sealed in, or stands in. */
  readonly window?: { readonly start: bigint; readonly end: bigint };
  readonly logIndex?: bigint;
}

interface SavedStray {
  readonly kind: "missing" | "extra";
  readonly table: string;
  readonly logId: string;
  readonly entryHash: string;
  readonly ingestedAt?: string;
  readonly start?: string;
  readonly end?: string;
  readonly logIndex?: string;
}

export type SavedMoves = readonly SavedStray[];

export class Moves {
  readonly #missing = new Map<string, Stray[]>();
  readonly #extra = new Map<string, Stray[]>();
  readonly #report: (finding: Finding) => void;
  readonly #max: number;
  #missingCount = 0;
  #extraCount = 0;

  /** @param max of each kind that are kept */
  constructor(report: (finding: Finding) => void, max: number = DEFAULT_LIMITS.strays) {
    this.#report = report;
    this.#max = max;
  }

  addMissing(stray: Stray): void {
    if (this.#missingCount >= this.#max) return this.#report(missingFinding(stray));
    this.#missingCount += 1;
    push(this.#missing, stray);
  }

  addExtra(stray: Stray): void {
    if (this.#extraCount >= this.#max) return this.#report(extraFinding(stray));
    this.#extraCount += 1;
    push(this.#extra, stray);
  }

  /** To be told of each row that is not sealed yet, when all that is missing is known: a sealed row may have been moved there. */
  sawUnsealed(stray: Stray): void {
    if (this.#missing.size === 0) return;
    const from = take(this.#missing, stray);
    if (from !== undefined) this.#report(movedFinding(from, stray));
  }

  /** Reports everything that has been kept. */
  finish(): void {
    for (const strays of this.#extra.values()) {
      for (const stray of strays) {
        const from = take(this.#missing, stray);
        this.#report(from === undefined ? extraFinding(stray) : movedFinding(from, stray));
      }
    }
    for (const strays of this.#missing.values()) for (const stray of strays) this.#report(missingFinding(stray));
    this.#missing.clear();
    this.#extra.clear();
  }

  save(): SavedMoves {
    const all = (kind: SavedStray["kind"], strays: ReadonlyMap<string, readonly Stray[]>): SavedStray[] =>
      [...strays.values()].flatMap((of) => of.map((stray) => saved(kind, stray)));
    return [...all("missing", this.#missing), ...all("extra", this.#extra)];
  }

  /** @throws TypeError, SyntaxError when it is not what `save` gave */
  restore(strays: SavedMoves): void {
    for (const stray of strays) {
      if (stray.kind === "missing") this.addMissing(restored(stray));
      else this.addExtra(restored(stray));
    }
  }
}

function keyOf({ logId, entryHash }: Stray): string {
  return `${logId}\n${entryHash}`;
}

function push(strays: Map<string, Stray[]>, stray: Stray): void {
  const key = keyOf(stray);
  const same = strays.get(key);
  if (same === undefined) strays.set(key, [stray]);
  else same.push(stray);
}

function take(strays: Map<string, Stray[]>, like: Stray): Stray | undefined {
  const key = keyOf(like);
  const same = strays.get(key);
  const taken = same?.shift();
  if (same?.length === 0) strays.delete(key);
  return taken;
}

function missingFinding(stray: Stray): Finding {
  return { ...nameOf(stray), code: "missing", message: `the row that was sealed at ${placeOf(stray)} is gone` };
}

function extraFinding(stray: Stray): Finding {
  const where = stray.window === undefined ? "outside every sealed window" : "in a window that was sealed without it";
  return { ...nameOf(stray), code: "extra", message: `a row at ${placeOf(stray)} stands ${where}` };
}

function movedFinding(from: Stray, to: Stray): Finding {
  const where = from.table === to.table ? "" : ` in ${to.table}`;
  const message = `the row was sealed at ${placeOf(from)} and stands${where} at ${placeOf(to)}`;
  return { ...nameOf(from), code: "moved", message };
}

function placeOf({ ingestedAt }: Stray): string {
  return ingestedAt === undefined ? "no time (ingested_at is NULL)" : timeText(ingestedAt);
}

function nameOf({ table, logId, window, logIndex }: Stray): Omit<Finding, "code" | "message"> {
  return {
    table,
    ...named(logId),
    ...(window !== undefined && { window }),
    ...(logIndex !== undefined && { logIndex }),
  };
}

function saved(kind: SavedStray["kind"], { table, logId, entryHash, ingestedAt, window, logIndex }: Stray): SavedStray {
  return {
    kind,
    table,
    logId,
    entryHash,
    ...(ingestedAt !== undefined && { ingestedAt: String(ingestedAt) }),
    ...(window !== undefined && { start: String(window.start), end: String(window.end) }),
    ...(logIndex !== undefined && { logIndex: String(logIndex) }),
  };
}

function restored({ table, logId, entryHash, ingestedAt, start, end, logIndex }: SavedStray): Stray {
  const name = sealedTables.find((one) => one === table);
  if (name === undefined) throw new TypeError("there is no such table");
  return {
    table: name,
    logId,
    entryHash,
    ingestedAt: ingestedAt === undefined ? undefined : BigInt(ingestedAt),
    ...(start !== undefined && end !== undefined && { window: { start: BigInt(start), end: BigInt(end) } }),
    ...(logIndex !== undefined && { logIndex: BigInt(logIndex) }),
  };
}
