import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WireWriter } from "@indelible/schemas/wire-writer.ts";
import fc from "fast-check";
import protobuf from "protobufjs";

const tagOf = (number: number, wireType: number): number => (number << 3) | wireType;
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 30 }),
  fc.string({ unit: "grapheme", minLength: 30, maxLength: 300 }),
  // Around the lengths at which the length itself, or the way of writing, changes.
  fc
    .tuple(
      fc.constantFrom("a", "é", "€", "😀"),
      fc.constantFrom(1, 24, 25, 42, 43, 63, 64, 127, 128, 8191, 8192, 16_384),
    )
    .map(([character, count]) => character.repeat(count)),
);
const field = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), value: text }),
  fc.record({ kind: fc.constant("integer" as const), value: fc.maxSafeInteger() }),
  fc.record({
    kind: fc.constant("integer" as const),
    value: fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, -(2 ** 32)),
  }),
  fc.record({ kind: fc.constant("double" as const), value: fc.double() }),
);
type Field = (typeof field extends fc.Arbitrary<infer F> ? F : never) & { readonly value: string | number };

function ours(writer: WireWriter, number: number, { kind, value }: Field): void {
  if (kind === "text") writer.text(tagOf(number, 2), value);
  else if (kind === "integer") writer.integer(tagOf(number, 0), value);
  else writer.double(tagOf(number, 1), value);
}

function theirs(writer: protobuf.Writer, number: number, { kind, value }: Field): void {
  if (kind === "text") writer.uint32(tagOf(number, 2)).string(value);
  else if (kind === "integer") writer.uint32(tagOf(number, 0)).int64(value);
  else writer.uint32(tagOf(number, 1)).double(value);
}

describe("WireWriter", () => {
  it("writes what protobufjs writes, message after message, nested and not", () => {
    const writer = new WireWriter();
    fc.assert(
      fc.property(fc.array(field, { maxLength: 30 }), fc.array(field, { maxLength: 5 }), (outer, inner) => {
        const reference = protobuf.Writer.create();
        for (const [index, one] of outer.entries()) {
          ours(writer, index + 1, one);
          theirs(reference, index + 1, one);
        }
        writer.nested(tagOf(99, 2), () => inner.forEach((one, index) => ours(writer, index + 1, one)));
        reference.uint32(tagOf(99, 2)).fork();
        inner.forEach((one, index) => theirs(reference, index + 1, one));
        reference.ldelim();
        assert.deepEqual(writer.take(), Buffer.from(reference.finish()));
      }),
      { numRuns: 400 },
    );
  });
});
