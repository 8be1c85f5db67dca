/** Segments as somebody reads them who has nothing but their description: one record a line, `<CRC-32> <JSON>`. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { Random } from "../../local/random.ts";

const NEWLINE = 0x0a;

export interface Stretch {
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface SegmentContent {
  readonly texts: readonly string[];
  /** What is no record, neighbours together. */
  readonly damaged: readonly Stretch[];
}

export function readSegment(bytes: Buffer): SegmentContent {
  const texts: string[] = [];
  const damaged: Stretch[] = [];
  let isDamaged = false;
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    const newline = bytes.indexOf(NEWLINE, start);
    end = newline === -1 ? bytes.length : newline + 1;
    const line = bytes.subarray(start, newline === -1 ? end : newline);
    const sum = /^[0-9a-f]{8} $/.test(line.toString("latin1", 0, 9)) ? line.toString("latin1", 0, 8) : undefined;
    if (sum !== undefined && crc32(line.subarray(9)) === Number.parseInt(sum, 16)) {
      texts.push(line.toString("utf8", 9));
      isDamaged = false;
      continue;
    }
    const before = isDamaged ? damaged.pop() : undefined;
    const offset = before?.offset ?? start;
    damaged.push({ offset, bytes: bytes.subarray(offset, end) });
    isDamaged = true;
  }
  return { texts, damaged };
}

export interface SegmentFile {
  readonly path: string;
  readonly instance: string;
  /** Without its ending. */
  readonly name: string;
  readonly table: string;
  readonly bytes: number;
}

/** The segments that are in a spool. */
export function segmentsIn(directory: string): SegmentFile[] {
  const instances = readdirSync(directory, { withFileTypes: true }).filter(({ name }) => /^[0-9a-f-]{36}$/.test(name));
  return instances.flatMap(({ name: instance }) =>
    readdirSync(join(directory, instance)).flatMap((file) => {
      const [, name, table] = /^(\d{10}\.([a-z_]+))\.seg$/.exec(file) ?? [];
      if (name === undefined || table === undefined) return [];
      const path = join(directory, instance, file);
      return [{ path, instance, name, table, bytes: statSync(path).size }];
    }),
  );
}

export type DamageKind = "torn by a kill" | "cut" | "bit flipped";

/** A segment that is not what was written, and what must be found of it. */
export interface Damage {
  readonly kind: DamageKind;
  readonly path: string;
  readonly table: string;
  /** The names that its damaged stretches have in quarantine, and their bytes. */
  readonly quarantined: readonly { readonly name: string; readonly bytes: Buffer }[];
  /** The `log_id`s of the events that were whole before. */
  readonly touched: readonly string[];
}

export function damageOf(
  kind: DamageKind,
  { path, table, instance, name }: SegmentFile,
  before: SegmentContent,
  after: SegmentContent,
): Damage {
  const left = new Set(after.texts);
  return {
    kind,
    path,
    table,
    quarantined: after.damaged.map(({ offset, bytes }) => ({ name: `${instance}.${name}.${offset}.bytes`, bytes })),
    touched: before.texts
      .filter((text) => !left.has(text))
      .map((text) => (JSON.parse(text) as { log_id: string }).log_id),
  };
}

/** A damaged copy of a segment's bytes. Always in the middle of a record. */
export function damage(bytes: Buffer, random: Random): { readonly kind: DamageKind; readonly bytes: Buffer } {
  const at = Math.floor(random() * bytes.length);
  if (random() < 0.5) {
    const flipped = Buffer.from(bytes);
    flipped[at] = flipped[at]! ^ (1 << Math.floor(random() * 8));
    return { kind: "bit flipped", bytes: flipped };
  }
  // A few bytes, as a kill in the middle of a write leaves them off, or any number.
  let length = Math.max(1, random() < 0.5 ? bytes.length - 1 - Math.floor(random() * 300) : at);
  // A cut between two records leaves a whole segment: what is missing then is told by the gap in `seq` alone.
  while (bytes[length - 1] === NEWLINE || bytes[length] === NEWLINE) length += 1;
  return { kind: "cut", bytes: bytes.subarray(0, Math.min(length, bytes.length - 2)) };
}
