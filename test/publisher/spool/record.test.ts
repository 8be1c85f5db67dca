import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readRecords, writePrefix } from "@indelible/publisher/spool/record.ts";
import { anyText, assertCovers, countIn, exampleTexts, record, records } from "./records.ts";

test("writePrefix() - writes the CRC-32 that the standard gives, and nothing beside it", () => {
  const buffer = Buffer.from("<         123456789>");
  writePrefix(buffer, 1, buffer.length - 1);
  assert.equal(buffer.toString(), "<cbf43926 123456789>");
});

test("writePrefix() - keeps leading zeros", () => {
  assert.equal(record("").toString(), "00000000 \n");
});

test("readRecords() - gives any texts back, in order", () => {
  fc.assert(
    fc.property(fc.array(anyText), (texts) => {
      assert.deepEqual(readRecords(records(texts)), { events: texts, damaged: [] });
    }),
  );
});

test("readRecords() - gives a text of some megabytes back", () => {
  const text = JSON.stringify({ text: "é😀x".repeat(700_000) });
  assert.deepEqual(readRecords(records(["{}", text, "[]"])), { events: ["{}", text, "[]"], damaged: [] });
});

test("readRecords() - an empty file is no damage", () => {
  assert.deepEqual(readRecords(new Uint8Array()), { events: [], damaged: [] });
});

test("readRecords() - reads a part of a larger buffer, with offsets in the part", () => {
  const bytes = Buffer.concat([Buffer.from("before"), record("1"), Buffer.from("x\n"), Buffer.from("after")]);
  const { events, damaged } = readRecords(bytes.subarray(6, -5));
  assert.deepEqual(events, ["1"]);
  assert.deepEqual(damaged, [{ offset: record("1").length, bytes: bytes.subarray(-7, -5) }]);
});

test("readRecords() - of any bytes, events and damaged stretches together are all of them", () => {
  const line = fc.oneof(anyText.map(record), fc.uint8Array({ maxLength: 30 }), fc.constant(Buffer.from("\n")));
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 40 }), (lines, chunkBytes) => {
      const bytes = Buffer.concat(lines);
      const read = readRecords(bytes);
      assertCovers(read, bytes);
      assert.equal(countIn(bytes, chunkBytes), read.events.length);
    }),
  );
});

test("readRecords() - torn at any byte, every whole record is read and the rest is damaged", () => {
  const whole = records(exampleTexts);
  for (let length = 0; length <= whole.length; length += 1) {
    const torn = whole.subarray(0, length);
    const read = readRecords(torn);
    let expected = 0;
    // A record that lacks nothing but its newline is whole.
    while (expected < exampleTexts.length && records(exampleTexts.slice(0, expected + 1)).length - 1 <= length) {
      expected += 1;
    }
    assert.deepEqual(read.events, exampleTexts.slice(0, expected), `torn after ${length} bytes`);
    assertCovers(read, torn);
    for (const chunkBytes of [1, 7, 1000]) assert.equal(countIn(torn, chunkBytes), expected);
  }
});

test("readRecords() - any single bit that is flipped costs the record that it is in, a newline's bit the next one too", () => {
  const whole = records(exampleTexts);
  const ends = exampleTexts.map((_, index) => records(exampleTexts.slice(0, index + 1)).length);
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const at = bit >> 3;
    const flipped = Buffer.from(whole);
    flipped[at]! ^= 1 << (bit & 7);
    const touched = ends.findIndex((end) => at < end);
    const isNewline = at === ends[touched]! - 1;
    const lost = isNewline ? [touched, touched + 1] : [touched];
    const read = readRecords(flipped);
    assert.deepEqual(
      read.events,
      exampleTexts.filter((_, index) => !lost.includes(index)),
      `bit ${bit}`,
    );
    assert.equal(read.damaged.length, 1);
    assert.equal(read.damaged[0]!.offset, touched === 0 ? 0 : ends[touched - 1]);
    assertCovers(read, flipped);
    for (const chunkBytes of [1, 7, 1000]) assert.equal(countIn(flipped, chunkBytes), read.events.length);
  }
});

test("readRecords() - a byte that becomes a newline costs its record only, in one stretch", () => {
  const whole = records(exampleTexts);
  const [start, end] = [record(exampleTexts[0]!).length, records(exampleTexts.slice(0, 2)).length];
  for (let at = 0; at < whole.length; at += 1) {
    if (whole[at] === 0x0a) continue;
    const changed = Buffer.from(whole);
    changed[at] = 0x0a;
    const read = readRecords(changed);
    assert.equal(read.events.length, exampleTexts.length - 1);
    assert.equal(read.damaged.length, 1);
    if (at >= start && at < end) assert.equal(read.damaged[0]!.bytes.length, end - start);
    assertCovers(read, changed);
  }
});

test("readRecords() - takes no checksum in upper case, too short, or without its space", () => {
  const right = record("{}").toString();
  assert.match(right, /[a-f]/);
  for (const wrong of [
    right.toUpperCase(),
    right.slice(1),
    ` ${right}`,
    right.replace(" ", "\t"),
    right.replace("\n", "\r\n"),
  ]) {
    assert.deepEqual(readRecords(Buffer.from(wrong)).events, []);
  }
});
