import assert from "node:assert/strict";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { formatCheckpoint, type Checkpoint } from "@indelible/ledger/checkpoint.ts";
import { commitName, parseCommit, serializeCommit, type Commit } from "@indelible/ledger/commit.ts";
import { openLocalKeys } from "@indelible/ledger/local-keys.ts";
import { CompactRange, leafHash } from "@indelible/ledger/merkle.ts";
import { signNote } from "@indelible/ledger/note.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import type { Verification } from "@indelible/ledger/verify.ts";
import type { World } from "./world.ts";

/** Entries of a log by commit. */
export type Log = readonly (readonly string[])[];

const parts = ["store", "witness", "keys", "memory"] as const;

/** Whoever holds the log's key and owns its store, its witness and the disk that they are on. */
export class Forger {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  commit(number: number): Commit {
    return parseCommit(readFileSync(this.#pathOf(number)));
  }

  /** Puts a commit in its place, as it is. */
  write(commit: Commit): void {
    replace(this.#pathOf(commit.number), serializeCommit(commit));
  }

  /** Changes parts of a commit, and signs nothing. */
  change(number: number, change: Partial<Commit>): void {
    this.write({ ...this.commit(number), ...change });
  }

  remove(number: number): void {
    rmSync(this.#pathOf(number));
  }

  log(): Log {
    return this.#world.commits().map((_, number) => this.commit(number).entries);
  }

  /** Writes the log anew with these entries: trees, positions as they are, and signatures by the log's own keys. */
  async rebuild(log: Log, by?: readonly Signer[], origin?: string): Promise<void> {
    for (const name of this.#world.commits()) this.#world.removeObject(`commits/${name}`);
    const tree = new CompactRange();
    for (const [number, entries] of log.entries()) {
      const before = tree.copy();
      for (const entry of entries) tree.append(leafHash(Buffer.from(entry)));
      const { size } = tree;
      this.write({ number, checkpoint: await this.sign({ origin, size, rootHash: tree.root() }, by), before, entries });
    }
  }

  /** A checkpoint, by default of this log and signed by the keys that are valid now. */
  async sign(
    {
      origin = this.#world.origin,
      size,
      rootHash,
    }: Omit<Checkpoint, "origin"> & { readonly origin?: string | undefined },
    by?: readonly Signer[],
  ): Promise<string> {
    return signNote(formatCheckpoint({ origin, size, rootHash }), by ?? (await this.signers()));
  }

  /** A commit's checkpoint, signed by others. */
  async resigned(number: number, by: readonly Signer[]): Promise<string> {
    const [text] = this.commit(number).checkpoint.split("\n\n");
    return signNote(`${text}\n`, by);
  }

  async signers(): Promise<readonly Signer[]> {
    const { keyFolder, origin } = this.#world;
    return (await openLocalKeys(keyFolder, origin, this.#world.micros())).signers;
  }

  /** The witness forgets what it has seen, and has seen the checkpoints that are in the store. */
  setWitness(): void {
    const folder = join(this.#world.folder, "witness", "witness");
    rmSync(folder, { recursive: true });
    for (const number of this.#world.commits().keys()) {
      replace(join(folder, String(number).padStart(12, "0")), Buffer.from(this.commit(number).checkpoint));
    }
  }

  #pathOf(number: number): string {
    return join(this.#world.folder, "store", commitName(number));
  }
}

/** A seal of which some fields say something else. */
export function edited(entry: string | undefined, change: { readonly [field: string]: unknown }): string {
  return canonicalize({ ...(JSON.parse(String(entry)) as object), ...change });
}

/** The log with an entry changed. */
export function withEntry(log: Log, position: number, change: { readonly [field: string]: unknown }): Log {
  let at = 0;
  return log.map((entries) => entries.map((entry) => (at++ === position ? edited(entry, change) : entry)));
}

/** Everything of a world but its warehouse, to be put back after an attack. */
export class Backup {
  readonly #world: World;
  readonly #path: string;
  readonly #nowMs: number;

  constructor(world: World) {
    this.#world = world;
    this.#path = join(world.folder, "backup");
    this.#nowMs = world.nowMs;
    for (const part of parts) copy(join(world.folder, part), join(this.#path, part));
  }

  restore(): void {
    for (const part of parts) copy(join(this.#path, part), join(this.#world.folder, part));
    if (this.#world.nowMs !== this.#nowMs) this.#world.nowMs = this.#nowMs;
  }

  /** Puts one part back as it was, and leaves the others. */
  restorePart(part: (typeof parts)[number]): void {
    copy(join(this.#path, part), join(this.#world.folder, part));
  }
}

function copy(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  if (existsSync(from)) cpSync(from, to, { recursive: true });
}

/** Puts a file in the place of one that nobody may write to. */
export function replace(path: string, data: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) chmodSync(path, 0o600);
  writeFileSync(path, data);
}

/** What was found, each as `code table #position`, with the parts that it has; several that are the same once. */
function found({ findings }: Verification): string[] {
  const names = findings.map(({ code, table, logIndex }) =>
    [code, table, logIndex === undefined ? undefined : `#${logIndex}`].filter((part) => part !== undefined).join(" "),
  );
  return [...new Set(names)];
}

/** That this is what was found and nothing else, and that it is said so in one of the messages. */
export function assertFound(verification: Verification, expected: readonly string[], says?: RegExp): void {
  assert.deepEqual(found(verification).sort(), [...expected].sort());
  if (says === undefined) return;
  const messages = verification.findings.map(({ message }) => message);
  assert.ok(
    messages.some((message) => says.test(message)),
    `none of these says ${says}:\n${messages.join("\n")}`,
  );
}
