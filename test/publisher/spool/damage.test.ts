/** Damage on disk, through the whole spool: what is read, what is quarantined, and that nothing is dropped. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { newId } from "@indelible/publisher/identity.ts";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool } from "@indelible/publisher/spool/spool.ts";
import { bytesIn, filesIn, temporaryFolder } from "./folder.ts";
import { assertCovers, exampleTexts, records } from "./records.ts";

/** Leaves each of `contents` as a segment of a dead publisher, adopts them, and keeps what is damaged. */
async function adoptAndKeep(directory: string, contents: readonly Buffer[]): Promise<void> {
  const instance = newId();
  mkdirSync(join(directory, instance));
  for (const [index, bytes] of contents.entries()) {
    writeFileSync(join(directory, instance, `${String(index).padStart(10, "0")}.conversations.seg`), bytes);
  }
  const spool = Spool.open({ directory });
  const segments = await spool.adopt((error) => assert.fail(error));
  assert.equal(segments.length, contents.length);
  for (const [index, segment] of segments.entries()) {
    const read = readRecords(await segment.read());
    assertCovers(read, contents[index]!);
    assert.equal(segment.events, read.events.length);
    await spool.keepDamaged(segment, read.damaged);
    await spool.keepDamaged(segment, read.damaged);
    for (const { offset, bytes } of read.damaged) {
      const name = `${instance}.${String(index).padStart(10, "0")}.conversations.${offset}.bytes`;
      assert.deepEqual(readFileSync(join(directory, "quarantine", name)), Buffer.from(bytes));
    }
    await segment.remove();
  }
  assert.equal(spool.bytes, bytesIn(directory));
  spool.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
  const damaged = contents.flatMap((bytes) => readRecords(bytes).damaged);
  assert.equal(filesIn(join(directory, "quarantine")).length, damaged.length);
}

test("damage - a segment torn at any byte is read up to there, and the rest is in quarantine", async (context) => {
  const whole = records(exampleTexts);
  const torn = Array.from({ length: whole.length + 1 }, (_, length) => whole.subarray(0, length));
  await adoptAndKeep(temporaryFolder(context), torn);
});

test("damage - a segment with any bit flipped is read but for the record that it is in, which is in quarantine", async (context) => {
  const whole = records(exampleTexts);
  const flipped = Array.from({ length: whole.length * 8 }, (_, bit) => {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    return bytes;
  });
  await adoptAndKeep(temporaryFolder(context), flipped);
});

test("keepDamaged() - what is damaged further after it was copied is kept beside the first copy", async (context) => {
  const spool = Spool.open({ directory: temporaryFolder(context) });
  const segment = spool.createSegment("conversations");
  for (const bytes of ["first", "first and more", "first", "first and more"].map((text) => Buffer.from(text))) {
    await spool.keepDamaged(segment, [{ offset: 3, bytes }]);
  }
  const folder = join(spool.directory, "quarantine");
  assert.deepEqual(
    filesIn(folder).map((name) => readFileSync(join(folder, name), "utf8")),
    ["first and more", "first"],
  );
  assert.equal(spool.bytes, bytesIn(spool.directory));
  spool.close();
});
