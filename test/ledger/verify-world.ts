/**
 * A small world to verify: an in-memory warehouse into which events come by the subscriber's own code, a sealer that does what SPEC.md says and no
 * more, a store, a witness, and an administrator who can do anything to all of them.
 */
import { formatCheckpoint } from "@indelible/ledger/checkpoint.ts";
import { commitName, parseCommit, serializeCommit } from "@indelible/ledger/commit.ts";
import type { FindingCode } from "@indelible/ledger/findings.ts";
import type { KeyList } from "@indelible/ledger/key-list.ts";
import { leafData } from "@indelible/ledger/leaf.ts";
import { leavesName, writeLeaves } from "@indelible/ledger/leaves.ts";
import { CompactRange, leafHash, rootOf } from "@indelible/ledger/merkle.ts";
import { signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import type { CellValue } from "@indelible/ledger/row-reader.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import { verify, type TableFacts, type Verification, type VerifyOptions } from "@indelible/ledger/verify.ts";
import { bigQueryTableOf } from "@indelible/schemas/bigquery.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { derivedId } from "@indelible/schemas/entry.ts";
import { sealedTables } from "@indelible/schemas/names.ts";
import { tableNames, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { formatTimestamp } from "@indelible/schemas/timestamp.ts";
import { Administrator } from "./administrator.ts";
import type { CellRow } from "./memory-warehouse.ts";
import { MemoryStore } from "./memory-store.ts";
import { MemoryWarehouse } from "./memory-warehouse.ts";
import { entryOf, rowOf, rowOfEntry } from "./real-rows.ts";
import { testSigner } from "./test-keys.ts";

export const ORIGIN = "example.com/indelible";
export const SECOND = 1_000_000n;
export const HOUR: bigint = 3600n * SECOND;
export const DAY: bigint = 24n * HOUR;
/** 2026-03-02T08:00:00Z, when the world begins. */
export const BEGINNING: bigint = BigInt(Date.UTC(2026, 2, 2, 8)) * 1000n;

export class World {
  /** Microseconds since 1970; each event takes a second. */
  clock: bigint = BEGINNING;
  readonly warehouse: MemoryWarehouse = new MemoryWarehouse();
  readonly store: MemoryStore = new MemoryStore();
  signer: Signer = testSigner(ORIGIN, "world");
  keys: KeyList = listOf(this.signer);
  /** Notes that the witness has been shown. */
  readonly witnessed: string[] = [];
  readonly facts: Map<TableName, TableFacts> = new Map(tableNames.map((table) => [table, factsOf(table)]));
  readonly audited: Set<string> = new Set();
  readonly admin: Administrator = new Administrator(this.warehouse);
  tree: CompactRange = new CompactRange();
  commits = 0;
  readonly ends: Map<TableName, bigint> = new Map();
  #events = 0;

  /** Logs an event, by default an action, and returns its `log_id`. */
  log(event: Event = {}, table: TableName = "action_logs"): string {
    this.#events += 1;
    const defaults = table === "action_logs" ? actionOf(this.#events) : conversationOf(this.#events);
    const logId = derivedId("event", this.#events);
    const row = rowOf(table, { log_id: logId, ...defaults, ...event }, this.recorded());
    this.warehouse.rows(table).push(row);
    this.clock += SECOND;
    return row["log_id"] as string;
  }

  logMany(count: number, table: TableName = "action_logs"): string[] {
    return Array.from({ length: count }, () => this.log({}, table));
  }

  recorded(): { publishedAt: number; messageId: string; ingestedAt: number } {
    return {
      publishedAt: Number(this.clock) - 50_000,
      messageId: String(this.#events),
      ingestedAt: Number(this.clock),
    };
  }

  /** Seals every table up to now, an hour passes, and nothing is wrong. */
  async seal(changes: { readonly entry?: (event: Event) => Event } = {}): Promise<void> {
    const before = this.tree.copy();
    const entries: string[] = [];
    for (const table of sealedTables) {
      for (const window of this.windowsOf(table)) {
        const event = await this.#sealOf(table, window, before.size + BigInt(entries.length));
        entries.push(canonicalize(changes.entry?.(event) ?? event));
      }
      this.ends.set(table, this.clock);
    }
    await this.commit(before, entries);
    this.appendSeals(entries);
    this.clock += HOUR;
  }

  /** The windows that are to be sealed now: those of days with rows, and what lies between. */
  windowsOf(table: TableName): { start: bigint; end: bigint }[] {
    const windows: { start: bigint; end: bigint }[] = [];
    let start = this.ends.get(table) ?? 0n;
    const days = new Set(this.warehouse.rows(table).map((row) => (row["ingested_at"] as bigint) / DAY));
    for (const day of [...days].sort((a, b) => Number(a - b))) {
      const from = day * DAY > start ? day * DAY : start;
      const until = (day + 1n) * DAY < this.clock ? (day + 1n) * DAY : this.clock;
      if (from >= until) continue;
      if (from > start) windows.push({ start, end: from });
      windows.push({ start: from, end: until });
      start = until;
    }
    if (start < this.clock) windows.push({ start, end: this.clock });
    return windows;
  }

  async commit(before: CompactRange, entries: readonly string[]): Promise<void> {
    this.tree = before.copy();
    for (const entry of entries) this.tree.append(leafHash(Buffer.from(entry)));
    const checkpoint = await this.checkpoint();
    const number = this.commits;
    await this.store.create(commitName(number), serializeCommit({ number, checkpoint, before, entries }));
    this.witnessed.push(checkpoint);
    this.commits += 1;
  }

  /** A signed checkpoint over the tree as it is. */
  checkpoint(signer: Signer = this.signer, origin: string = ORIGIN): Promise<string> {
    const { size } = this.tree;
    return signNote(formatCheckpoint({ origin, size, rootHash: this.tree.root() }), [signer]);
  }

  appendSeals(entries: readonly string[]): void {
    for (const text of entries) {
      const event = JSON.parse(text) as Event;
      const recorded = this.recorded();
      const row = rowOfEntry("seals", entryOf("seals", event, recorded), recorded);
      this.warehouse.rows("seals").push(row);
    }
  }

  /** Puts a changed commit in the place of one. */
  async rewriteCommit(number: number, change: (commit: ReturnType<typeof parseCommit>) => object): Promise<void> {
    const name = commitName(number);
    const commit = parseCommit(this.store.objects.get(name) as Buffer);
    this.store.objects.set(name, serializeCommit({ ...commit, ...change(commit) }));
  }

  /** Takes away the lists of leaves, so that nobody can say which row differs. */
  forgetLeaves(): void {
    for (const name of this.store.objects.keys()) if (name.startsWith(leavesName(""))) this.store.objects.delete(name);
  }

  options(): VerifyOptions {
    return {
      reader: this.warehouse.reader(),
      store: this.store,
      keys: this.keys,
      now: () => this.clock,
      witness: { notes: () => iterate(this.witnessed) },
      facts: async (table) => this.facts.get(table),
      auditedSessions: async (sessions) => new Set([...sessions].filter((session) => this.audited.has(session))),
    };
  }

  verify(options: Partial<VerifyOptions> = {}): Promise<Verification> {
    return verify({ ...this.options(), ...options });
  }

  /** What a verification finds: `code log_id`, or the code where no row is named. Sorted. */
  async findings(options: Partial<VerifyOptions> = {}): Promise<string[]> {
    return summary(await this.verify(options));
  }

  async #sealOf(table: TableName, window: { start: bigint; end: bigint }, logIndex: bigint): Promise<Event> {
    const rows = this.warehouse.rows(table).filter(({ ingested_at: time }) => isWithin(time as bigint, window));
    const leaves = rows
      .map((row) => ({ row, leaf: identityOf(table, row) }))
      .sort((a, b) => compare(a.row, b.row) || (a.leaf < b.leaf ? -1 : 1))
      .map(({ leaf }) => leaf);
    const rootHash = rootOf(leaves.map((leaf) => leafHash(leaf))).toString("hex");
    if (leaves.length > 0) await writeLeaves(this.store, rootHash, leaves);
    const session = `sessions/seal-${this.commits}-${table}`;
    this.audited.add(session);
    const sealId = `${ORIGIN}#${logIndex}`;
    return {
      log_id: derivedId("seal", sealId),
      seal_id: sealId,
      table_name: table,
      window_start: formatTimestamp(Number(window.start)),
      window_end: formatTimestamp(Number(window.end)),
      row_count: leaves.length,
      root_hash: rootHash,
      log_index: Number(logIndex),
      sealed_at: formatTimestamp(Number(this.clock)),
      checkpoint_number: this.commits,
      read_session: session,
    };
  }
}

/** A world with some sealed rows in two tables and two commits. */
export async function sealedWorld(rows = 5): Promise<{ world: World; ids: string[] }> {
  const world = new World();
  const ids = world.logMany(rows);
  world.logMany(rows, "conversations");
  await world.seal();
  ids.push(...world.logMany(rows));
  await world.seal();
  return { world, ids };
}

export function summary({ findings }: Verification): string[] {
  return findings.map(({ code, logId }) => (logId === undefined ? code : `${code} ${logId}`)).sort();
}

export function codesOf({ findingCounts }: Verification): FindingCode[] {
  return (Object.keys(findingCounts) as FindingCode[]).sort();
}

export function listOf(...signers: readonly Signer[]): KeyList {
  return {
    origin: ORIGIN,
    keys: signers.map((signer) => ({ key: verifierKeyOf(signer), from: 0n, until: undefined })),
  };
}

export function identityOf(table: TableName, row: CellRow): string {
  return leafData({
    table,
    logId: row["log_id"] as string,
    entryHash: row["entry_hash"] as string,
    publishedAt: row["published_at"] as bigint,
    messageId: row["message_id"] as string,
    ingestedAt: row["ingested_at"] as bigint,
  });
}

export async function* iterate<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}

function factsOf(table: TableName): TableFacts {
  const { expirationMs } = bigQueryTableOf(tables[table]).timePartitioning;
  return { createdAt: BEGINNING - DAY, partitionExpirationMs: Number(expirationMs) };
}

function isWithin(time: bigint, { start, end }: { start: bigint; end: bigint }): boolean {
  return time >= start && time < end;
}

function compare(a: CellRow, b: CellRow): number {
  const by = (x: CellValue | undefined, y: CellValue | undefined): number => {
    const [left, right] = [x as bigint | string, y as bigint | string];
    return left < right ? -1 : left > right ? 1 : 0;
  };
  return by(a["ingested_at"], b["ingested_at"]) || by(a["log_id"], b["log_id"]);
}

function actionOf(number: number): Event {
  return {
    action_id: `a${number}`,
    business_id: "acme",
    agent_position: "CFO",
    action_type: "mcp_call",
    action_details: { amount: 12.5, to: ["b", "a"], note: "ü" },
    started_at: "2026-03-02T09:00:00+01:00",
    duration_ms: number,
    success: number % 2 === 0,
    cost_usd: 0.1 * number,
  };
}

function conversationOf(number: number): Event {
  return {
    conversation_id: `c${number}`,
    business_id: "acme",
    agent_position: "CFO",
    started_at: "2026-03-02T08:00:00.123456789Z",
    user_prompt_preview: "how much is left? 😀",
  };
}
