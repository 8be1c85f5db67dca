import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Admission } from "@indelible/subscriber/admission.ts";

const full = { code: "ERR_QUEUE_FULL", retryable: true };

describe("Admission", () => {
  it("admits up to its bytes, and again when a place is given back", () => {
    const admission = new Admission({ maxBytes: 100 });
    const first = admission.admit(60);
    {
      using second = admission.admit(40);
      assert.equal(admission.bytes, 100);
      assert.throws(() => admission.admit(1), full);
      second.resize(30);
      admission.admit(10)[Symbol.dispose]();
    }
    first[Symbol.dispose]();
    assert.deepEqual([admission.bytes, admission.messages], [0, 0]);
  });

  it("lets a message that grows beyond the bound go on only when it is alone", () => {
    const admission = new Admission({ maxBytes: 100 });
    const alone = admission.admit(10);
    alone.resize(500);
    assert.throws(() => admission.admit(1), full);
    alone.resize(50);
    const other = admission.admit(10);
    assert.throws(() => other.resize(51), full);
    other[Symbol.dispose]();
    assert.equal(admission.bytes, 50, "what could not grow gives back what it had");
  });

  it("bounds the number of messages too", () => {
    const admission = new Admission({ maxMessages: 1 });
    using place = admission.admit(0);
    assert.throws(() => admission.admit(0), full);
    place.resize(0);
  });
});
