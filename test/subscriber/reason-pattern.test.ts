import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { reasonPattern } from "@indelible/subscriber/reason-pattern.ts";
import fc from "fast-check";

describe("reasonPattern()", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["confidence_level must be <= 1", "confidence_level must be <= <n>"],
    ["the event lacks started_at", "the event lacks started_at"],
    [
      'the event has the field "mood", which conversations does not',
      "the event has the field <name>, which conversations does not",
    ],
    ['the event has the field "a \\" b 7", which x does not', "the event has the field <name>, which x does not"],
    ["options_evaluated.12.score must be <= 1", "options_evaluated.<n>.score must be <= <n>"],
    ["items[3].price is 1,234.5e+7", "items[<n>].price is <n>"],
    ["the event is not JSON: position 4711", "the event is not JSON: position <n>"],
    ["at 2026-01-31T09:30:00.123456Z and 2026-01-31 09:30:00+02:00 and 2026-01-31", "at <time> and <time> and <time>"],
    ["row 0198e6a4-7c2b-7000-8000-0123456789AB of `p.d.t`", "row <uuid> of <name>"],
    ["field 'x' doesn't fit, it isn't", "field <name> doesn't fit, it isn't"],
    ["sha256 and utf8 stay, 16MiB and -3 do not", "sha256 and utf8 stay, <n>MiB and <n> do not"],
    ['cut in the "midd…', "cut in the <name>"],
    ["", ""],
  ];
  for (const [detail, pattern] of cases) {
    it(`makes ${JSON.stringify(pattern)} of ${JSON.stringify(detail)}`, () =>
      assert.equal(reasonPattern(detail), pattern));
  }

  it("makes three groups of 2,000 failures that are three errors", () => {
    const errors = [
      (n: number) => `options_evaluated.${n % 7}.score must be <= 1`,
      (n: number) => `the event has the field "field_${n}", which conversations does not`,
      (n: number) => `the event is not JSON: position ${n}`,
    ];
    const patterns = Array.from({ length: 2000 }, (_, n) => reasonPattern(errors[n % 3]?.(n) ?? ""));
    assert.equal(new Set(patterns).size, 3);
  });

  it("does not depend on names, numbers, times and UUIDs", () => {
    const pattern = (name: string, number: number, at: Date, id: string): string =>
      reasonPattern(
        `rows.${number}: ${JSON.stringify(name)} of ${id} at ${at.toISOString()} has ${number * 1.5} bytes`,
      );
    const expected = "rows.<n>: <name> of <uuid> at <time> has <n> bytes";
    const at = fc.date({ min: new Date("1700-01-01"), max: new Date("2199-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.nat(), at, fc.uuid(), (...parts) => {
        assert.equal(pattern(...parts), expected);
      }),
    );
  });

  it("takes time in proportion to the text, also of quotes that nothing closes", () => {
    for (const text of ['"\\'.repeat(2000), "'".repeat(4000), "`".repeat(4001), "1,".repeat(2000), "1-".repeat(2000)]) {
      assert.ok(reasonPattern(text).length <= text.length * 6);
    }
  });
});
