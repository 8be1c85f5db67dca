import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { derivedId, entryHash, logIdOfMessage } from "@indelible/schemas/entry.ts";

describe("entryHash()", () => {
  it("is the SHA-256 of the UTF-8 bytes, in lower-case hex", () => {
    assert.equal(entryHash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert.equal(entryHash('{"a":"é"}'), "b3a092a6af48807fa9482b2ee140105575daa26d5b24b3c0e60a7e2dee6683b1");
  });
});

describe("derivedId()", () => {
  it("gives equal IDs for equal parts only, and always the same ones", () => {
    assert.equal(derivedId("a", 1), derivedId("a", "1"));
    assert.notEqual(derivedId("a", 1), derivedId("a", 2));
    assert.equal(logIdOfMessage("conversations", "17", 0), "9230f3ac-2c55-555a-a38c-45e86efe4337");
  });
});
