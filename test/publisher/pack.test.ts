import assert from "node:assert/strict";
import { test } from "node:test";
import { Pack } from "@indelible/publisher/pack.ts";

test("Pack - holds what was added, byte for byte, wherever its buffer has to grow", () => {
  for (let rest = 0; rest < 40; rest += 1) {
    // 16 KiB is the size that a pack begins with.
    const texts = ["x".repeat(16_384 - rest), "é".repeat(10), "ab", "y".repeat(40_000), "😀"];
    const pack = new Pack("conversations", undefined);
    for (const text of texts) assert.equal(pack.add(text, 1_000_000), 2 * text.length + 2);
    assert.equal(Buffer.from(pack.lines!).toString("utf16le"), texts.map((text) => `${text}\n`).join(""));
    assert.equal(pack.bytes, pack.lines!.length);
    assert.equal(pack.events, texts.length);
  }
});

test("Pack - takes what fits to the character, and one event of any size", () => {
  for (const text of ["x".repeat(99), "é".repeat(99), "€".repeat(99)]) {
    const pack = new Pack("conversations", undefined);
    assert.equal(pack.add(text, 200), 200);
    assert.equal(pack.add(`${text}!`, 200), 0);
    assert.equal(pack.add(text, 200), 200);
    assert.equal(pack.isFull(200), true);
    assert.equal(pack.add("", 200), 0);
    assert.equal(Buffer.from(pack.lines!).toString("utf16le"), `${text}\n${text}\n`);
    assert.equal(new Pack("conversations", undefined).add(text, 10), 200);
  }
});
