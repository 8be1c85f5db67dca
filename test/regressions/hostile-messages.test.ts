import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { decode, type Fault } from "@indelible/subscriber/decode.ts";
import { hash } from "@indelible/subscriber/hash.ts";
import { validate } from "@indelible/subscriber/validate.ts";

const event = '"action_id":"a","business_id":"acme","agent_position":"CFO","started_at":"2026-01-31T09:30:00Z"';

/** Sends data the way of a message as far as the append. The space after the brace keeps the events from being canonical. */
function outcome(data: string | Buffer, attributes: { [name: string]: string } = {}): (string | number)[] {
  const message = { id: "1", publishedAt: 0, data: Buffer.from(data as string), attributes };
  const faults: Fault[] = [];
  const valid = validate("action_logs", decode(message, faults).lines, faults);
  const entries = hash("action_logs", message, valid, faults);
  return [entries.length, ...faults.map(({ code }) => code)];
}

// Each of these once took minutes, or threw what is no error of ours: then the message would have been delivered again and again.
describe("a message that is meant to hurt", () => {
  it("is an entry when it has one long text, written otherwise than canonically", () => {
    const text = "x".repeat(9_000_000);
    assert.deepEqual(outcome(`{ ${event},"action_details":"${text}"}`), [1]);
    assert.deepEqual(outcome(`{ ${event},"action_details":{"${text}":"\\u0041\\\\"}}`), [1]);
  });

  it("is a dead letter when it has a number of a million digits, zeros in the middle", () => {
    for (const number of [`0.1${"0".repeat(1_000_000)}1`, `1${"0".repeat(100)}.${"0".repeat(1_000_000)}1`]) {
      assert.deepEqual(outcome(`{ ${event},"cost_usd":${number}}`), [0, "ERR_LOSSY_NUMBER"]);
    }
  });

  it("is a dead letter when it nests a million deep, without being read once more", () => {
    const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000);
    assert.deepEqual(outcome(`{ ${event},"action_details":${deep}}`), [0, "ERR_TOO_DEEP"]);
  });

  it("is a dead letter when it is a million empty zstd frames, and holds nothing when it is as many gzip members", () => {
    const many = (part: Buffer): Buffer => Buffer.concat(Array.from({ length: 1_000_000 }, () => part));
    assert.deepEqual(outcome(many(zstdCompressSync(Buffer.alloc(0))), { encoding: "zstd" }), [0, "ERR_TOO_LARGE"]);
    const gzip = gzipSync(Buffer.alloc(0));
    assert.deepEqual(outcome(many(gzip), { encoding: "gzip" }), [0, "ERR_EMPTY"]);
  });
});
