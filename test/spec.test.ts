import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import { validate } from "@indelible/subscriber/validate.ts";

const spec = readFileSync(new URL("../SPEC.md", import.meta.url), "utf8");

describe("SPEC.md", () => {
  it("has test vectors for entry and hash that the code agrees with", () => {
    const [event = "", entry] = [...spec.matchAll(/```json\n(.*)\n```/g)].map((match) => match[1] ?? "");
    const digest = /Hash: `([0-9a-f]{64})`/.exec(spec)?.[1];
    const message = { id: "17", publishedAt: 0, data: Buffer.from(event), attributes: {} };
    const faults: Fault[] = [];
    const [made] = hash(
      "conversations",
      message,
      validate("conversations", decode(message, faults).lines, faults),
      faults,
    );
    assert.deepEqual(faults, []);
    assert.equal(made?.entry, entry);
    assert.equal(made?.entryHash, digest);
  });
});
