import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitHelp } from "../../cli/terminal/help-text.ts";

describe("fitHelp()", () => {
  it("leaves lines that fit as they are", () => {
    const text = "Usage: indelible\n\n  $ indelible seal   # twice  as wide\n";
    assert.equal(fitHelp(text, 80), text);
  });

  it("wraps prose at blanks, and keeps its indentation", () => {
    assert.equal(fitHelp("  one two three", 9), "  one two\n  three");
  });

  it("continues an example as a shell does, an option with its value, and breaks no quoted argument", () => {
    assert.equal(
      fitHelp(`  $ indelible query "SELECT a, b" --param ms:INT64=5 --json`, 32),
      `  $ indelible query \\\n      "SELECT a, b" \\\n      --param ms:INT64=5 --json`,
    );
  });

  it("leaves room for the sign of continuation", () => {
    for (const line of fitHelp("  $ a bb ccc dddd eeeee ffffff ggggggg", 16).split("\n")) assert.ok(line.length <= 16);
  });
});
