/** Random lives of a spool: what it counts is what is on disk, and what was appended is found, after every step. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { nodeFiles, type Files } from "@indelible/publisher/spool/files.ts";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool, type Segment } from "@indelible/publisher/spool/spool.ts";
import { bytesIn, temporaryFolder } from "./folder.ts";
import { records } from "./records.ts";

const MAX_BYTES = 400;

const tables = ["conversations", "thinking_logs"] as const;

type Step =
  | { readonly do: "append"; readonly table: 0 | 1; readonly events: number; readonly padding: number }
  | { readonly do: "append-fails"; readonly table: 0 | 1; readonly written: number; readonly isUndone: boolean }
  | { readonly do: "rotate"; readonly table: 0 | 1 }
  | { readonly do: "remove" | "remove-fails" | "quarantine"; readonly which: number }
  | { readonly do: "reject" | "reopen" | "adopt" | "close-while-removing" | "another-dies" };

const table = fc.constantFrom(0 as const, 1 as const);
const which = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant("append"),
      table,
      events: fc.nat({ max: 3 }),
      padding: fc.nat({ max: 60 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("append-fails"),
      table,
      written: fc.nat({ max: 30 }),
      isUndone: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant("rotate"), table }),
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("remove", "remove-fails", "quarantine"), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("reject", "reopen", "adopt", "close-while-removing", "another-dies") }),
  },
);

class Life {
  readonly #directory: string;
  /** Set for the one write that fails. */
  #failing: { readonly written: number; readonly isUndone: boolean } | undefined;
  #failsToUnlink = false;
  #spool: Spool;
  #own: string;
  readonly #open = new Map<0 | 1, Segment>();
  /** Those that this spool has, with the events in them. */
  readonly #segments = new Map<Segment, readonly string[]>();
  readonly #torn = new Set<Segment>();
  /** Those that are on disk and nobody has. */
  #left: string[] = [];
  #events = 0;

  constructor(directory: string) {
    this.#directory = directory;
    this.#spool = Spool.open({ directory, maxBytes: MAX_BYTES }, this.#files);
    this.#own = this.#spool.createSegment("conversations").instance;
  }

  readonly #files: Files = {
    ...nodeFiles,
    writeSync: (fd, bytes, offset, length, position) => {
      if (this.#failing === undefined) return nodeFiles.writeSync(fd, bytes, offset, length, position);
      nodeFiles.writeSync(fd, bytes, offset, Math.min(length, this.#failing.written), position);
      throw new Error("made to fail");
    },
    ftruncateSync: (fd, bytes) => {
      if (this.#failing?.isUndone === false) throw new Error("made to fail");
      nodeFiles.ftruncateSync(fd, bytes);
    },
    unlink: async (path) => {
      if (this.#failsToUnlink) throw new Error("made to fail");
      await nodeFiles.unlink(path);
    },
  };

  async take(step: Step): Promise<void> {
    if (step.do === "append") this.#append(step.table, step.events, "x".repeat(step.padding));
    else if (step.do === "append-fails") this.#failToAppend(step.table, step);
    else if (step.do === "rotate") this.#rotate(step.table);
    else if (step.do === "adopt") await this.#adopt();
    else if (step.do === "reject") await this.#reject();
    else if (step.do === "another-dies") this.#leaveAnother();
    else if (step.do === "reopen") this.#reopen([]);
    else if (step.do === "close-while-removing") await this.#closeWhileRemoving();
    else if ("which" in step)
      await this.#treat(step.do, [...this.#segments.keys()].at(step.which % (this.#segments.size || 1)));
    this.#check();
  }

  /** Everything that was appended and not removed is found by the next one. */
  async end(): Promise<void> {
    this.#reopen([]);
    await this.#adopt();
    this.#check();
    assert.deepEqual(this.#left, []);
    for (const segment of this.#segments.keys()) await this.#treat("remove", segment);
    this.#check();
    this.#spool.close();
  }

  #check(): void {
    const held = new Set([this.#own, "rejected", "quarantine", ...[...this.#segments.keys()].map((s) => s.instance)]);
    let onDisk = 0;
    for (const name of held) onDisk += folderBytes(join(this.#directory, name));
    assert.equal(this.#spool.bytes, onDisk);
    let inSegments = 0;
    for (const segment of this.#segments.keys()) inSegments += segment.bytes;
    assert.ok(inSegments <= onDisk);
    assert.equal(this.#spool.hasRoomFor(MAX_BYTES - onDisk), true);
    assert.equal(this.#spool.hasRoomFor(MAX_BYTES - onDisk + 1), false);
  }

  #segmentOf(table: 0 | 1): Segment {
    let segment = this.#open.get(table);
    if (segment === undefined) {
      segment = this.#spool.createSegment(tables[table]);
      this.#open.set(table, segment);
      this.#segments.set(segment, []);
    }
    return segment;
  }

  #newEvents(count: number, padding: string): string[] {
    return Array.from({ length: count }, () => `"${(this.#events += 1)}${padding}"`);
  }

  #append(table: 0 | 1, count: number, padding: string): void {
    const segment = this.#segmentOf(table);
    const events = this.#newEvents(count, padding);
    const bytes = records(events);
    const hasRoom = this.#spool.hasRoomFor(bytes.length);
    try {
      segment.append(bytes, count);
    } catch (error) {
      const isTorn = this.#torn.has(segment);
      assert.ok(isTorn || !hasRoom);
      assert.equal((error as { code: string }).code, isTorn ? "ERR_SPOOL" : "ERR_QUEUE_FULL");
      if (isTorn) this.#open.delete(table);
      return;
    }
    assert.ok(hasRoom && !this.#torn.has(segment));
    this.#segments.set(segment, [...this.#segments.get(segment)!, ...events]);
    assert.equal(segment.events, this.#segments.get(segment)!.length);
  }

  #failToAppend(table: 0 | 1, failing: { readonly written: number; readonly isUndone: boolean }): void {
    const segment = this.#segmentOf(table);
    const before = { events: segment.events, bytes: segment.bytes };
    this.#failing = failing;
    // The text has no end within what is written, so that no whole record of it can be found.
    assert.throws(() => segment.append(records(this.#newEvents(1, "y".repeat(40))), 1));
    this.#failing = undefined;
    assert.equal(segment.events, before.events);
    if (segment.bytes > before.bytes) this.#torn.add(segment);
    assert.ok(segment.bytes === before.bytes || !failing.isUndone);
  }

  #rotate(table: 0 | 1): void {
    this.#open.get(table)?.seal();
    this.#open.delete(table);
  }

  async #treat(what: "remove" | "remove-fails" | "quarantine", segment: Segment | undefined): Promise<void> {
    if (segment === undefined) return;
    const read = readRecords(await segment.read());
    assert.deepEqual(read.events, this.#segments.get(segment));
    if (what === "quarantine") return this.#spool.keepDamaged(segment, read.damaged);
    for (const [table, open] of this.#open) if (open === segment) this.#open.delete(table);
    if (what === "remove-fails") {
      this.#failsToUnlink = true;
      await assert.rejects(segment.remove(), { code: "ERR_SPOOL" });
      this.#failsToUnlink = false;
      return;
    }
    await segment.remove();
    assert.equal(segment.bytes, 0);
    this.#segments.delete(segment);
  }

  async #reject(): Promise<void> {
    const rejection = { table: "conversations", code: "ERR_TOO_LARGE", message: "m", event: "1" } as const;
    await this.#spool.keepRejected(rejection);
  }

  #leaveAnother(): void {
    const another = Spool.open({ directory: this.#directory });
    const events = this.#newEvents(2, "");
    another.createSegment("action_logs").append(records(events), 2);
    another.close();
    this.#left.push(...events);
  }

  async #adopt(): Promise<void> {
    const adopted = await this.#spool.adopt((error) => assert.fail(error));
    const found: string[] = [];
    for (const segment of adopted) {
      const { events } = readRecords(await segment.read());
      assert.equal(segment.events, events.length);
      this.#segments.set(segment, events);
      found.push(...events);
    }
    assert.deepEqual(found.sort(), this.#left.sort());
    this.#left = [];
  }

  /** A removal that was under way when the spool was closed ends all the same, before anybody else can adopt. */
  async #closeWhileRemoving(): Promise<void> {
    const removing = [...this.#segments.keys()].slice(0, 2);
    const removed = removing.map((segment) => segment.remove());
    this.#reopen(removing);
    await Promise.all(removed);
  }

  #reopen(removing: readonly Segment[]): void {
    this.#spool.close();
    this.#spool.close();
    for (const [segment, events] of this.#segments) if (!removing.includes(segment)) this.#left.push(...events);
    this.#segments.clear();
    this.#open.clear();
    this.#spool = Spool.open({ directory: this.#directory, maxBytes: MAX_BYTES }, this.#files);
    this.#own = this.#spool.createSegment("conversations").instance;
  }
}

function folderBytes(path: string): number {
  try {
    return bytesIn(path);
  } catch {
    // Gone with its last segment.
    return 0;
  }
}

test("Spool - over random lives, counts exactly what is on disk and finds exactly what was appended", async (context) => {
  const folder = temporaryFolder(context);
  let lives = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const directory = join(folder, String((lives += 1)));
      const life = new Life(directory);
      for (const step of steps) await life.take(step);
      await life.end();
      rmSync(directory, { recursive: true });
    }),
    { numRuns: 200 },
  );
});
