import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import fc from "fast-check";

const codeOf = (text: string): string => {
  JSON.parse(text);
  try {
    assertLossless(text);
    return "lossless";
  } catch (error) {
    assert.ok(IndelibleError.is(error));
    return error.code;
  }
};

describe("assertLossless()", () => {
  const lossless = [
    '{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}',
    '{ "a" : 1.0 , "b" : 1e2, "c" : 100, "d":-1.50E+1 }',
    '{"text":"\\"a\\":1,\\"a\\":2 {[ 9007199254740993"}',
    "[0, 0.0, 0e5, 9007199254740992, 1e300, 123456789012345680000]",
    "[0.1, 0.10000000000000001, 333333333.33333329, 5e-324, 2.2250738585072014e-308]",
    '{"a":1,"A":2,"\\u0062":3}',
  ];
  for (const text of lossless) it(`accepts ${text}`, () => assert.equal(codeOf(text), "lossless"));

  const lossy: [string, string][] = [
    ['{"a":1,"a":1}', "ERR_DUPLICATE_KEY"],
    ['{"a":1,"\\u0061":2}', "ERR_DUPLICATE_KEY"],
    ['{"x":[{"a":1,"b":{},"a" :2}]}', "ERR_DUPLICATE_KEY"],
    ["[9007199254740993]", "ERR_LOSSY_NUMBER"],
    ['{"n":-12345678901234567890}', "ERR_LOSSY_NUMBER"],
    ["[1e400]", "ERR_LOSSY_NUMBER"],
    ["[1e-400]", "ERR_LOSSY_NUMBER"],
    ["[0.1234567890123456789]", "ERR_LOSSY_NUMBER"],
    ["[9007199254740993.0]", "ERR_LOSSY_NUMBER"],
  ];
  for (const [text, code] of lossy) it(`refuses ${text}`, () => assert.equal(codeOf(text), code));

  it("accepts whatever JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        assert.equal(codeOf(JSON.stringify(value, null, 1)), "lossless");
      }),
    );
  });

  it("refuses every integer that would be written as another one, whatever its size", () => {
    const written = (integer: bigint): bigint => {
      const [mantissa = "", power = "0"] = String(Number(integer)).split("e+");
      const [whole = "", fraction = ""] = mantissa.split(".");
      return BigInt(whole + fraction) * 10n ** BigInt(Number(power) - fraction.length);
    };
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 80n }), (integer) => {
        assert.equal(codeOf(`[${integer}]`), written(integer) === integer ? "lossless" : "ERR_LOSSY_NUMBER");
      }),
    );
  });

  it("finds a duplicate key wherever one is planted", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
        const text = JSON.stringify(object);
        const [key] = Object.keys(object);
        assert.equal(codeOf(`${text.slice(0, -1)},${JSON.stringify(key)}:0}`), "ERR_DUPLICATE_KEY");
      }),
    );
  });

  it("is in line with the canonical form: canonical text is lossless", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const clean: unknown = JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));
        assert.equal(codeOf(canonicalize(clean)), "lossless");
      }),
    );
  });
});
