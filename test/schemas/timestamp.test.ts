import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatTimestamp, parseTimestamp, truncateToMicros } from "@indelible/schemas/timestamp.ts";
import fc from "fast-check";

describe("parseTimestamp()", () => {
  const valid: [string, number][] = [
    ["1970-01-01T00:00:00Z", 0],
    ["1970-01-01T00:00:00.000001Z", 1],
    ["1970-01-01T00:00:00.1Z", 100_000],
    ["1969-12-31T23:59:59.999999Z", -1],
    ["2024-05-15T15:00:00.123456789-05:00", Date.UTC(2024, 4, 15, 20) * 1000 + 123_456],
    ["2024-02-29T00:00:00+05:30", Date.UTC(2024, 1, 28, 18, 30) * 1000],
  ];
  for (const [text, micros] of valid) it(`reads ${text}`, () => assert.equal(parseTimestamp(text), micros));

  const invalid = [
    "",
    "2024-05-15",
    "2024-05-15T15:00:00",
    "2024-05-15 15:00:00Z",
    "2024-02-30T00:00:00Z",
    "2023-02-29T00:00:00Z",
    "2024-13-01T00:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-06-30T23:59:60Z",
    "2024-01-01T00:00:00.1234567890Z",
    "2024-01-01T00:00:00+24:00",
    "1699-12-31T23:59:59Z",
    "2200-01-01T00:00:00Z",
    "2024-01-01t00:00:00z",
    "1715785200",
  ];
  for (const text of invalid)
    it(`refuses ${JSON.stringify(text)}`, () => assert.equal(parseTimestamp(text), undefined));

  it("reads back what formatTimestamp() writes, exactly, over the whole range", () => {
    fc.assert(
      fc.property(fc.integer({ min: Date.UTC(1700) * 1000, max: Date.UTC(2199) * 1000 }), (micros) => {
        assert.equal(parseTimestamp(formatTimestamp(micros)), micros);
      }),
    );
  });
});

describe("truncateToMicros()", () => {
  it("cuts nanoseconds to microseconds and leaves all else alone", () => {
    assert.equal(truncateToMicros("2024-05-15T15:00:00.123456789Z"), "2024-05-15T15:00:00.123456Z");
    assert.equal(truncateToMicros("2024-05-15T15:00:00.999999999+05:30"), "2024-05-15T15:00:00.999999+05:30");
    for (const text of ["2024-05-15T15:00:00Z", "2024-05-15T15:00:00.12-05:00", "2024-05-15T15:00:00.123456+05:30"]) {
      assert.equal(truncateToMicros(text), text);
    }
  });
});
