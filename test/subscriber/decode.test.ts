import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { MAX_DECOMPRESSED_BYTES } from "@indelible/subscriber/compression.ts";
import { decode, MAX_EVENTS, type Fault } from "@indelible/subscriber/decode.ts";
import fc from "fast-check";

const compress = { gzip: (data: Buffer) => gzipSync(data), zstd: (data: Buffer) => zstdCompressSync(data) };

function decoded(
  data: Buffer,
  attributes: { [name: string]: string },
): { texts: string[]; faults: Fault[]; bytes: number } {
  const faults: Fault[] = [];
  const { lines, bytes } = decode({ id: "1", publishedAt: 0, data, attributes }, faults);
  return { texts: lines.map(({ text }) => text), faults, bytes };
}

function refused(data: Buffer, attributes: { [name: string]: string }): string | undefined {
  const { texts, faults } = decoded(data, attributes);
  assert.deepEqual([texts, faults.length, faults[0]?.index], [[], 1, undefined]);
  assert.deepEqual(faults[0]?.data, data, "the bytes as they came");
  return faults[0]?.code;
}

describe("decode()", () => {
  for (const encoding of ["gzip", "zstd"] as const) {
    describe(encoding, () => {
      it("gives the events that were compressed, whatever they are, and the bytes that they take", () => {
        const line = fc.string({ unit: "grapheme" }).map((text) => JSON.stringify({ text }));
        fc.assert(
          fc.property(fc.array(line, { minLength: 1 }), (lines) => {
            const plain = Buffer.from(lines.join("\n"));
            const { texts, faults, bytes } = decoded(compress[encoding](plain), { encoding, format: "ndjson" });
            assert.deepEqual([texts, faults, bytes], [lines, [], plain.length]);
          }),
        );
      });

      it("takes several members or frames as one text, as the command lines that concatenate files do", () => {
        const data = Buffer.concat(['{"a":', "1}\n", '{"b":2}'].map((part) => compress[encoding](Buffer.from(part))));
        assert.deepEqual(decoded(data, { encoding, format: "ndjson" }).texts, ['{"a":1}', '{"b":2}']);
      });

      it("refuses data that is cut short at any place, or is something else", () => {
        const whole = compress[encoding](Buffer.from('{"a":"some text that is long enough to be worth compressing"}'));
        for (let length = 0; length < whole.length; length += 1) {
          assert.equal(refused(whole.subarray(0, length), { encoding }), "ERR_CORRUPT_DATA", `${length} bytes`);
        }
        assert.equal(refused(Buffer.from('{"a":1}'), { encoding }), "ERR_CORRUPT_DATA");
      });

      it("refuses data with something behind its end, instead of dropping it", () => {
        const data = Buffer.concat([compress[encoding](Buffer.from('{"a":1}')), Buffer.from('{"b":2}')]);
        assert.equal(refused(data, { encoding }), "ERR_CORRUPT_DATA");
      });

      it("refuses a bomb, in one part or in many, and takes exactly as much as is allowed", () => {
        const most = Buffer.alloc(MAX_DECOMPRESSED_BYTES, 0x78);
        assert.equal(decoded(compress[encoding](most), { encoding }).texts[0]?.length, MAX_DECOMPRESSED_BYTES);
        assert.equal(
          refused(compress[encoding](Buffer.alloc(MAX_DECOMPRESSED_BYTES + 1)), { encoding }),
          "ERR_TOO_LARGE",
        );
        assert.equal(
          refused(Buffer.concat([compress[encoding](most), compress[encoding](Buffer.from("x"))]), { encoding }),
          "ERR_TOO_LARGE",
        );
        const mebi = compress[encoding](Buffer.alloc(1024 * 1024));
        assert.equal(refused(Buffer.concat(Array.from({ length: 1000 }, () => mebi)), { encoding }), "ERR_TOO_LARGE");
      });
    });
  }

  it("refuses a zstd frame that asks for more memory than its text may have", () => {
    const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
    const data = zstdCompressSync(Buffer.alloc(40 * 1024 * 1024, "x"), { params });
    assert.match(String(refused(data, { encoding: "zstd" })), /ERR_CORRUPT_DATA|ERR_TOO_LARGE/);
  });

  it(`refuses more than ${MAX_EVENTS} events, of which each costs more than its bytes`, () => {
    const lines = (count: number): Buffer => Buffer.from("{}\n".repeat(count));
    assert.equal(decoded(lines(MAX_EVENTS), { format: "ndjson" }).texts.length, MAX_EVENTS);
    assert.equal(refused(lines(MAX_EVENTS + 1), { format: "ndjson" }), "ERR_TOO_LARGE");
  });

  it("counts positions without the blank lines, and with the undecodable ones", () => {
    const data = Buffer.concat([Buffer.from('\r\n{"a":1}\n \n'), Buffer.from([0xff]), Buffer.from('\n{"b":2}')]);
    const faults: Fault[] = [];
    const { lines } = decode({ id: "1", publishedAt: 0, data, attributes: { format: "ndjson" } }, faults);
    assert.deepEqual(
      lines.map(({ index }) => index),
      [0, 2],
    );
    assert.deepEqual(
      faults.map(({ index, code }) => [index, code]),
      [[1, "ERR_NOT_UTF8"]],
    );
  });
});
