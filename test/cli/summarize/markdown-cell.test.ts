import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { markdownCell, markdownTable, shownText } from "../../../cli/summarize/markdown-cell.ts";
import { cellWidth } from "../../../cli/terminal/cell.ts";
import { linkableText, rendered } from "./rendered.ts";

/** Renders a table of one row, in the middle of which `text` stands. */
function shownIn(text: string, maxWidth?: number): { readonly cells: string[]; readonly links: readonly string[] } {
  const table = markdownTable(["Date", "Decision", "Agent"], [["2026-01-31", markdownCell(text, maxWidth), "CFO"]]);
  const { html, tables, links } = rendered(`# T\n\n${table}\nbehind\n`);
  assert.equal(tables.length, 1);
  assert.equal(tables[0]?.length, 2, html);
  assert.match(html, /<\/table>\n<p>behind<\/p>/);
  assert.equal(linkableText(html), undefined, html);
  return { cells: (tables[0]?.[1] ?? []).map((cell) => cell.text), links };
}

const hostile = [
  "a | b || c \\| d \\\\| e",
  "two\nlines\r\n\r\n| and | a | row |\n|---|---|",
  "[click](https://evil.example) ![x](http://evil.example/x.png) [ref][1]",
  "https://evil.example/a|b`c`d\\e http://x www.evil.example WWW.EVIL.EXAMPLE ftp://x.example evil.com",
  "mail@evil.example mailto:me@evil.example xmpp:a@b.example/c @octocat :tada: #1",
  "<https://evil.example> <script>alert(1)</script> <img src=x onerror=1> <!-- indelible:end -->",
  "&lt; &amp; &#124; &copy; &#x7c;",
  "`code` ``two`` ```three``` `open",
  "*a* **b** _c_ __d__ ~~e~~ ~f~ $x^2$ $`y`$ $$z$$",
  "# heading",
  "- item",
  "[^1]: note [^1]",
  "[x] done",
  "https://a`b https://c|`d|`https://e`|",
  "\u{202e}gnp.exe \u{200b}zero\u{feff}width\u{0}\u{1b}[31mred\u{7f}\u{85}",
  "\ud800 lone \udfff",
  "\u{2028}line\u{2029}paragraph\u{a0}blank\u{3000}",
  "e\u{301}́ 家庭 👩‍👩‍👧 \u{2067}isolate\u{2069}",
  "",
  "  ",
  "-->",
  "\\",
  "|",
  "`",
  "trailing\\",
  "::: :a: a:b: http:// https:/ javascript:alert(1) data:text/html,x tel:1",
  `${"<".repeat(300)}`,
];

describe("markdownCell()", () => {
  for (const text of hostile) {
    it(`shows ${JSON.stringify(text.slice(0, 60))} as it is`, () => {
      const { cells, links } = shownIn(text, 200);
      assert.deepEqual(cells, ["2026-01-31", shownText(text, 200) || "—", "CFO"]);
      assert.deepEqual(links, []);
    });
  }

  it("shows any text as it is, in its own cell, and links nothing", () => {
    const pieces = fc.constantFrom(
      ..."|`\\[]()<>&*_~#!:$^@./-\n\r\t \"'",
      "http://",
      "https://",
      "www.",
      "x@y.zz",
      "<!--",
      "-->",
      "\\|",
      "``",
      "&#124;",
      "\u{202e}",
      "\u{200b}",
      "\ud800",
      "a",
      "é",
      "家",
      "[^1]",
      "\n\n",
      "|--|",
    );
    const text = fc.oneof(
      fc.array(pieces, { maxLength: 30 }).map((some) => some.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 60 }), (any, width) => {
        const { cells, links } = shownIn(any, width);
        assert.deepEqual(cells, ["2026-01-31", shownText(any, width) || "—", "CFO"]);
        assert.deepEqual(links, []);
        assert.ok(cellWidth(shownText(any, width)) <= width);
      }),
      { numRuns: 1000 },
    );
  });

  it("leaves plain words as they are", () => {
    for (const text of [
      "CMO budget reallocation",
      "Red phone: 3,120 USD may be paid twice, and only a person may hold it",
    ])
      assert.equal(markdownCell(text), text);
  });

  it("cuts a long text, and one that is all marks over a single letter", () => {
    assert.equal(markdownCell("x".repeat(50), 10), `${"x".repeat(9)}…`);
    assert.ok(markdownCell(`a${"\u{301}".repeat(100_000)}`, 10).length <= 160);
  });

  it("shows what it had to replace", () => {
    assert.equal(shownText(" a\n\tb\u{202e}c "), "a b\\u{202e}c");
  });
});
