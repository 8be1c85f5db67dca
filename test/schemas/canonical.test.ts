import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { canonicalize, MAX_DEPTH } from "@indelible/schemas/canonical.ts";
import { canonicalizerOf } from "@indelible/schemas/canonicalizer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tableNames, tables } from "@indelible/schemas/tables.ts";
import reference from "canonicalize";
import fc from "fast-check";
import { shared } from "../shared.ts";
import { eventsOf } from "./samples.ts";

const vectors = shared("vectors/jcs");
const withCode = (code: string) => (error: unknown) => IndelibleError.is(error) && error.code === code;

describe("canonicalize()", () => {
  it("writes the test vectors of RFC 8785's author byte for byte", { skip: vectors.skip }, () => {
    const names = readdirSync(join(vectors.path, "input"));
    assert.ok(names.length >= 6);
    for (const name of names) {
      const input: unknown = JSON.parse(readFileSync(join(vectors.path, "input", name), "utf8"));
      const output = readFileSync(join(vectors.path, "output", name), "utf8");
      const hex = readFileSync(join(vectors.path, "outhex", name.replace(".json", ".txt")), "utf8").replace(/\s/g, "");
      assert.equal(canonicalize(input), output, name);
      assert.equal(Buffer.from(canonicalize(input)).toString("hex"), hex, name);
    }
  });

  it("writes RFC 8785's own example", () => {
    const input: unknown = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    assert.equal(
      canonicalize(input),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it("agrees with the package canonicalize on any JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        const clean: unknown = JSON.parse(JSON.stringify(value).replaceAll("-0", "0"));
        assert.equal(canonicalize(clean), reference(clean));
      }),
      { numRuns: 500 },
    );
  });

  it("treats Date, undefined, functions and array holes as JSON.stringify does", () => {
    const value = { b: new Date(0), a: [undefined, () => 1], c: undefined, d: Symbol("x") };
    assert.equal(canonicalize(value), '{"a":[null,null],"b":"1970-01-01T00:00:00.000Z"}');
  });

  it("refuses what JSON cannot carry exactly", () => {
    assert.throws(() => canonicalize({ a: NaN }), withCode("ERR_UNSERIALIZABLE"));
    assert.throws(() => canonicalize([Infinity]), withCode("ERR_UNSERIALIZABLE"));
    assert.throws(() => canonicalize(2n ** 53n), withCode("ERR_UNSERIALIZABLE"));
    assert.throws(() => canonicalize(undefined), withCode("ERR_UNSERIALIZABLE"));
    assert.throws(() => canonicalize(-0), withCode("ERR_LOSSY_NUMBER"));
    assert.throws(() => canonicalize("\ud83d"), withCode("ERR_LONE_SURROGATE"));
    assert.throws(() => canonicalize({ "\udc00": 1 }), withCode("ERR_LONE_SURROGATE"));
  });

  it("ends on cycles and refuses more than 500 levels", () => {
    const cycle: unknown[] = [];
    cycle.push(cycle, cycle);
    assert.throws(() => canonicalize(cycle), withCode("ERR_TOO_DEEP"));
    const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
    assert.equal(canonicalize(nested(MAX_DEPTH)).length, 2 * MAX_DEPTH);
    assert.throws(() => canonicalize(nested(MAX_DEPTH + 1)), withCode("ERR_TOO_DEEP"));
    assert.throws(() => canonicalize(nested(100_000)), withCode("ERR_TOO_DEEP"));
  });
});

describe("canonicalizerOf()", () => {
  for (const name of tableNames) {
    it(`${name} - writes any valid event as canonicalize() does`, () => {
      fc.assert(
        fc.property(eventsOf(name), (event) => {
          assert.equal(canonicalizerOf(tables[name])(event), canonicalize(event));
        }),
        { numRuns: 60 },
      );
    });
  }

  it("writes an event with unknown fields or wrong types, rather than dropping them", () => {
    const write = canonicalizerOf(tables.conversations);
    const odd: unknown[] = [
      { conversation_id: 7, zzz: { b: 1, a: [2] } },
      { conversation_id: "x", started_at: new Date(0), ended_at: undefined, cost_usd: null },
      { conversation_id: ["x"], business_id: () => 1, input_tokens: "7" },
      JSON.parse('{"__proto__":{"a":1},"conversation_id":"x"}'),
      {},
    ];
    for (const event of odd) assert.equal(write(event as never), canonicalize(event));
  });

  it("refuses what canonicalize() refuses", () => {
    const write = canonicalizerOf(tables.action_logs);
    assert.throws(() => write({ duration_ms: NaN }), withCode("ERR_UNSERIALIZABLE"));
    assert.throws(() => write({ action_id: "\ud800" }), withCode("ERR_LONE_SURROGATE"));
    assert.throws(() => write({ cost_usd: -0 }), withCode("ERR_LOSSY_NUMBER"));
  });
});
