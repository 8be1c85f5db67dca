import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readableLine } from "../../cli/dev/log-line.ts";

describe("readableLine()", () => {
  it("shows warnings and errors with their details, and nothing below", () => {
    const entry = { severity: "WARNING", message: "slow", time: "2026-01-31T00:00:00Z", waitMs: 7 };
    assert.equal(readableLine(JSON.stringify(entry)), 'WARNING: slow {"waitMs":7}');
    assert.equal(readableLine(JSON.stringify({ severity: "ERROR", message: "gone" })), "ERROR: gone");
    assert.equal(readableLine(JSON.stringify({ severity: "INFO", message: "up" })), undefined);
  });

  it("leaves every other line as it is", () => {
    for (const line of ["text", "[1]", "7", '{"a":1}', "    at main.ts:1:1"]) assert.equal(readableLine(line), line);
  });
});
