import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type KeyList, keysAt, parseKeyList, serializeKeyList, withNewKey } from "@indelible/ledger/key-list.ts";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/note.ts";
import { testSigner } from "./test-keys.ts";

const origin = "log.example/test";
const [a, b, c] = ["a", "b", "c"].map((label) => verifierKeyOf(testSigner(origin, label)));
assert.ok(a && b && c);
const day = (number: number): bigint => BigInt(Date.UTC(2026, 0, number)) * 1000n;
const dayMs = 86_400_000;
const first: KeyList = { origin, keys: [{ key: a, from: day(1), until: undefined }] };

describe("a list of keys", () => {
  it("is written as JSON, and read again", () => {
    const list: KeyList = { origin, keys: [...first.keys, { key: b, from: day(2), until: day(3) + 1n }] };
    assert.deepEqual(JSON.parse(serializeKeyList(list)), {
      format: "indelible-keys/1",
      origin,
      keys: [
        { vkey: formatVerifierKey(a), from: "2026-01-01T00:00:00.000000Z" },
        { vkey: formatVerifierKey(b), from: "2026-01-02T00:00:00.000000Z", until: "2026-01-03T00:00:00.000001Z" },
      ],
    });
    assert.deepEqual(parseKeyList(serializeKeyList(list)), list);
  });

  it("has a key from its beginning, inclusive, until its end, exclusive", () => {
    const list: KeyList = { origin, keys: [{ key: a, from: day(1), until: day(3) }] };
    assert.deepEqual(keysAt(list, day(1) - 1n), []);
    assert.deepEqual(keysAt(list, day(1)), [a]);
    assert.deepEqual(keysAt(list, day(3) - 1n), [a]);
    assert.deepEqual(keysAt(list, day(3)), []);
    assert.deepEqual(keysAt(first, day(30)), [a]);
  });

  it("has both keys during the overlap of a rotation, and never none", () => {
    const second = withNewKey(first, b, day(10), 2 * dayMs);
    assert.deepEqual(keysAt(second, day(10) - 1n), [a]);
    assert.deepEqual(keysAt(second, day(10)), [a, b]);
    assert.deepEqual(keysAt(second, day(12) - 1n), [a, b]);
    assert.deepEqual(keysAt(second, day(12)), [b]);
    const third = withNewKey(second, c, day(11), 7 * dayMs);
    assert.deepEqual(keysAt(third, day(11)), [a, b, c]);
    assert.equal(third.keys[0]?.until, day(12), "a key that has an end does not get a later one");
    const cut = withNewKey(second, c, day(11), 0);
    assert.deepEqual(keysAt(cut, day(11)), [c], "without an overlap the old ones end at once");
    assert.deepEqual(parseKeyList(serializeKeyList(third)), third);
  });

  it("takes no key twice, of another name, or before those that it has", () => {
    assert.throws(() => withNewKey(first, a, day(2), 0), { code: "ERR_KEY", message: /same name and ID/ });
    assert.throws(() => withNewKey(first, b, day(1), 0), { code: "ERR_KEY", message: /not after the beginning/ });
    assert.throws(() => withNewKey(first, b, day(2), -1), { code: "ERR_KEY", message: /overlap/ });
    const other = verifierKeyOf(testSigner("other.example", "b"));
    assert.throws(() => withNewKey(first, other, day(2), 0), { code: "ERR_KEY", message: /name of the log/ });
  });

  const vkey = formatVerifierKey(a);
  const from = "2026-01-01T00:00:00Z";
  const json = (keys: unknown, more: object = {}): string =>
    JSON.stringify({ format: "indelible-keys/1", origin, keys, ...more });
  for (const [reason, text] of [
    ["not JSON", "{"],
    ["not JSON", `{"format":"indelible-keys/1","origin":"a","origin":"${origin}","keys":[]}`],
    ["not an object", "[]"],
    ["format", json([{ vkey, from }], { format: "indelible-keys/2" })],
    ["origin", json([{ vkey, from }], { origin: "" })],
    ["not the name of a log", json([{ vkey, from }], { origin: "a b" })],
    ["not an array", json({})],
    ["no keys", json([])],
    ['field "untill"', json([{ vkey, from, untill: from }])],
    ['field "note"', json([{ vkey, from }], { note: "" })],
    ["key 2 is not an object", json([{ vkey, from }, null])],
    ["no vkey", json([{ from }])],
    ["no verifier key", json([{ vkey: `${vkey.slice(0, -2)}==`, from }])],
    ["key ID should be", json([{ vkey: vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+"), from }])],
    ['"from"', json([{ vkey }])],
    ['"from"', json([{ vkey, from: "2026-01-01" }])],
    ['"until"', json([{ vkey, from, until: null }])],
    ["ends before it begins", json([{ vkey, from, until: from }])],
    [
      "same name and ID",
      json([
        { vkey, from, until: "2026-02-01T00:00:00Z" },
        { vkey, from: "2026-03-01T00:00:00Z" },
      ]),
    ],
    ["name of the log", json([{ vkey, from }], { origin: "log.example/other" })],
  ] as const) {
    it(`is refused, saying: ${reason} - ${text.slice(0, 150)}`, () => {
      assert.throws(
        () => parseKeyList(text),
        (error: { code?: string; message: string }) => error.code === "ERR_KEY" && error.message.includes(reason),
      );
    });
  }
});
