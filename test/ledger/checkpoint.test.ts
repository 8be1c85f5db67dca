import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatCheckpoint, parseCheckpoint } from "@indelible/ledger/checkpoint.ts";
import { EMPTY_ROOT } from "@indelible/ledger/merkle.ts";

/** The example of https://c2sp.org/tlog-checkpoint. */
const example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

describe("a checkpoint", () => {
  it("is what the specification's example says", () => {
    const checkpoint = parseCheckpoint(example);
    assert.equal(checkpoint.origin, "example.com/behind-the-sofa");
    assert.equal(checkpoint.size, 20_852_163n);
    assert.equal(checkpoint.rootHash.toString("base64"), root);
    assert.equal(formatCheckpoint(checkpoint), example);
  });

  it("may have further lines, which say nothing here", () => {
    assert.deepEqual(parseCheckpoint(`${example}extension\nmore\n`), parseCheckpoint(example));
  });

  it("survives being written and read, up to 2^64-1 leaves", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: "grapheme" }).filter((origin) => !origin.includes("\n")),
        fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (origin, size, bytes) => {
          const checkpoint = { origin, size, rootHash: Buffer.from(bytes) };
          assert.deepEqual(parseCheckpoint(formatCheckpoint(checkpoint)), checkpoint);
        },
      ),
    );
    const empty = { origin: "log", size: 0n, rootHash: EMPTY_ROOT };
    assert.deepEqual(parseCheckpoint(formatCheckpoint(empty)), empty);
  });

  for (const [what, text] of Object.entries({
    nothing: "",
    "two lines": "log\n1\n",
    "no newline at the end": example.slice(0, -1),
    "an empty origin": `\n1\n${root}\n`,
    "an empty line": `log\n1\n${root}\n\nextension\n`,
    "an empty line at the end": `${example}\n`,
    "a leading zero": `log\n01\n${root}\n`,
    "a sign": `log\n+1\n${root}\n`,
    "a negative size": `log\n-1\n${root}\n`,
    "a space": `log\n1 \n${root}\n`,
    hex: `log\n0x1\n${root}\n`,
    "digits of another script": `log\n١\n${root}\n`,
    "2^64 leaves": `log\n18446744073709551616\n${root}\n`,
    "21 digits": `log\n100000000000000000000\n${root}\n`,
    "a root of 31 bytes": `log\n1\n${Buffer.alloc(31).toString("base64")}\n`,
    "a root without padding": `log\n1\n${root.replace("=", "")}\n`,
    "a root with bits that stand for nothing": `log\n1\n${root.replace("I=", "J=")}\n`,
    "no leaves and a root": `log\n0\n${root}\n`,
  })) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => parseCheckpoint(text), { code: "ERR_CHECKPOINT", message: /no checkpoint/ });
    });
  }

  it("is not written when it could not be read", () => {
    const rootHash = Buffer.alloc(32);
    for (const bad of [
      { origin: "", size: 1n, rootHash },
      { origin: "a\nb", size: 1n, rootHash },
      { origin: "a", size: -1n, rootHash },
      { origin: "a", size: 2n ** 64n, rootHash },
      { origin: "a", size: 0n, rootHash },
      { origin: "a", size: 1n, rootHash: Buffer.alloc(31) },
    ]) {
      assert.throws(() => formatCheckpoint(bad), { code: "ERR_CHECKPOINT" });
    }
  });
});
