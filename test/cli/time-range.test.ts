import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeOf } from "../../cli/time-range.ts";

const now = Date.parse("2026-01-31T09:30:00Z");

describe("timeOf()", () => {
  for (const [text, expected] of [
    ["90s", "2026-01-31T09:28:30Z"],
    ["30m", "2026-01-31T09:00:00Z"],
    ["12h", "2026-01-30T21:30:00Z"],
    ["7d", "2026-01-24T09:30:00Z"],
    ["0m", "2026-01-31T09:30:00Z"],
    ["2026-01-01T00:00:00+01:00", "2025-12-31T23:00:00Z"],
  ] as const) {
    it(`${text} is ${expected}`, () => {
      assert.equal(timeOf("--since", text, now), Date.parse(expected) * 1000);
    });
  }

  for (const text of ["", "7", "d", "-7d", "1.5h", "1w", "7 d", "yesterday", "2026-01-31", "2026-01-31T09:30:00"]) {
    it(`refuses ${JSON.stringify(text)} with examples`, () => {
      assert.throws(() => timeOf("--since", text, now), { code: "ERR_CONFIG", hint: /7d/ });
    });
  }
});
