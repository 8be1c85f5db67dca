import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { blockOf, placeBlock } from "../../../cli/summarize/block.ts";

const block = blockOf("decision_logs", "# New\n");
const old = blockOf("decision_logs", "# Old\n\n| a |\n|---|\n");
const placed = (before: string | Buffer | undefined, what = block): string =>
  placeBlock("f.md", before === undefined ? undefined : Buffer.from(before as string), what).toString("latin1");

describe("placeBlock()", () => {
  it("makes a file of the block alone where there is none", () => {
    assert.equal(placed(undefined), `${block}\n`);
    assert.equal(placed(""), `${block}\n`);
  });

  it("replaces the block, and nothing above and below it", () => {
    assert.equal(placed(`# Mine\n\n${old}\n\n- a note\n`), `# Mine\n\n${block}\n\n- a note\n`);
    assert.equal(placed(`${old}`), block, "no newline at the end");
    assert.equal(placed(`x\r\n${old.replaceAll("\n", "\r\n")}\r\ny\r\n`), `x\r\n${block}\r\ny\r\n`);
    assert.equal(placed(Buffer.from(`\u{feff}${old}\n`)), `\u{ef}\u{bb}\u{bf}${block}\n`);
  });

  it("puts the block behind an empty line at the end of a file that has none", () => {
    for (const [text, gap] of [
      ["note", "\n\n"],
      ["note\n", "\n"],
      ["note\n\n", ""],
      ["note\r\n\r\n", ""],
    ] as const)
      assert.equal(placed(text), `${text}${gap}${block}\n`);
  });

  it("takes a marker inside a line for text", () => {
    const text = "Do not delete the `<!-- indelible:begin -->` line.\n> <!-- indelible:end -->\n";
    assert.equal(placed(text), `${text}\n${block}\n`);
  });

  it("keeps every byte that is not in the block, whatever it is", () => {
    const notes = fc.string({ unit: "binary", maxLength: 40 }).map((text) => Buffer.from(text.replaceAll("\0", "")));
    fc.assert(
      fc.property(notes, notes, (above, below) => {
        const before = Buffer.concat([above, Buffer.from(`\n${old}\n`), below]);
        const after = placeBlock("f.md", before, block);
        assert.deepEqual(after, Buffer.concat([above, Buffer.from(`\n${block}\n`), below]));
        assert.deepEqual(placeBlock("f.md", after, block), after);
      }),
    );
  });

  const begin = "<!-- indelible:begin x -->";
  const end = "<!-- indelible:end -->";
  for (const [name, lines] of [
    ["a beginning without an end", [begin, "text"]],
    ["an end without a beginning", ["text", end]],
    ["an end before the beginning", [end, begin]],
    ["two beginnings", [begin, begin, end]],
    ["two ends", [begin, end, end]],
    ["two blocks", [begin, end, begin, end]],
  ] as const) {
    it(`refuses a file with ${name}, and says in which lines`, () => {
      const message = new RegExp(`f\\.md has no whole block .* in line \\d.*; it is left as it is`);
      assert.throws(() => placed(lines.join("\n")), { code: "ERR_CONFIG", message });
    });
  }

  it("refuses what is no text in UTF-8", () => {
    for (const bytes of [
      Buffer.from("notes", "utf16le"),
      Buffer.from("déjà vu\n", "latin1"),
      Buffer.from([0x61, 0xe2, 0x82]),
    ])
      assert.throws(() => placed(bytes), { code: "ERR_CONFIG", message: /no text in UTF-8/ });
    assert.equal(placed("déjà vu\n"), `${Buffer.from("déjà vu\n").toString("latin1")}\n${block}\n`);
  });
});
