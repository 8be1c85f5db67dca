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

describe("parseTimestamp(), against Date", () => {
  const two = (n: number): string => String(n).padStart(2, "0");
  it("accepts exactly the days that there are, and counts them as Date does", () => {
    for (let year = 1700; year <= 2199; year += 1) {
      for (const [month, day] of [
        [1, 1],
        [2, 28],
        [2, 29],
        [2, 30],
        [3, 1],
        [4, 31],
        [12, 31],
        [12, 32],
        [0, 1],
        [13, 1],
        [5, 0],
      ] as const) {
        const date = `${year}-${two(month)}-${two(day)}`;
        const at = new Date(`${date}T12:34:56Z`);
        const exists = !Number.isNaN(at.getTime()) && at.toISOString().startsWith(date);
        assert.equal(parseTimestamp(`${date}T12:34:56Z`), exists ? at.getTime() * 1000 : undefined, date);
      }
    }
  });

  it("gives undefined for any text that differs from a timestamp in one character", () => {
    const valid = "2024-05-15T15:00:00.123456-05:00";
    fc.assert(
      fc.property(
        fc.nat({ max: valid.length - 1 }),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
        (at, other) => {
          fc.pre(!/[0-9+]/.test(other) && other !== valid[at]);
          assert.equal(parseTimestamp(valid.slice(0, at) + other + valid.slice(at + 1)), undefined);
        },
      ),
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
