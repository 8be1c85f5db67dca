import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { purposeLabels, purposeOf } from "@indelible/schemas/purpose.ts";
import fc from "fast-check";

describe("purposeLabels()", () => {
  it("carries any text in labels that BigQuery takes, and purposeOf() reads it back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }), (purpose) => {
        fc.pre(purpose.trim() !== "" && Buffer.byteLength(purpose) <= 1000);
        const labels = purposeLabels(purpose);
        assert.ok(Object.keys(labels).length <= 26);
        for (const [key, value] of Object.entries(labels)) {
          assert.match(key, /^[a-z][a-z0-9_-]{0,62}$/);
          assert.match(value, /^[a-z0-9_-]{1,63}$/);
        }
        assert.equal(purposeOf(labels), purpose);
      }),
    );
  });

  it("leaves what is a label's value readable, and refuses what is too long or empty", () => {
    assert.deepEqual(purposeLabels("invoice-check"), { indelible_purpose: "invoice-check" });
    assert.equal(Object.keys(purposeLabels("x y".padEnd(1000, "."))).length, 26);
    for (const purpose of ["", " ", "x".repeat(1001), "\ud800"]) {
      assert.throws(() => purposeLabels(purpose), { code: "ERR_CONFIG" });
    }
  });
});
