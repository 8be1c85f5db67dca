import assert from "node:assert/strict";
import { test } from "node:test";
import { Pack } from "@indelible/publisher/pack.ts";

test("Pack - holds what was added, byte for byte, wherever its buffer has to grow", () => {
  for (let rest = 0; rest < 40; rest += 1) {
    // 16 KiB is the size that a pack begins with.
    const texts = ["x".repeat(16_384 - rest), "é".repeat(10), "ab", "y".repeat(40_000), "😀"];
    const pack = new Pack("conversations");
    for (const text of texts) pack.add(text, Buffer.byteLength(text));
    assert.equal(pack.data.toString(), texts.join("\n"));
    assert.equal(pack.bytes, pack.data.length);
    assert.equal(pack.events, texts.length);
  }
});
