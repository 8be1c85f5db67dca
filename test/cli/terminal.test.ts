import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { cellWidth, printable, truncate } from "../../cli/terminal/cell.ts";
import { describeFailure } from "../../cli/terminal/failure.ts";
import { jsonText } from "../../cli/terminal/json-text.ts";
import { renderTable, thousands } from "../../cli/terminal/table.ts";

describe("jsonText()", () => {
  const forbidden = [
    "\u007f",
    "\u0085",
    "\u009b31m",
    "\u202e",
    "\u2066",
    "\u2028",
    "\u2029",
    "\u200b",
    "\u{e0041}",
    "\u001b[2J",
  ];

  it("shows nothing that would take over the terminal or reverse the reading order, and says the same", () => {
    for (const text of forbidden) {
      const json = jsonText({ [text]: [text] });
      assert.deepEqual(JSON.parse(json), { [text]: [text] });
      assert.match(json, /^[\n -~]*$/);
    }
    assert.equal(jsonText("\u{e0041}"), '"\\udb40\\udc41"\n');
  });

  it("is indented or one line, and leaves alone what can be read", () => {
    assert.equal(jsonText({ a: "日本🍵é" }), '{\n  "a": "日本🍵é"\n}\n');
    assert.equal(jsonText({ a: 1 }, 0), '{"a":1}\n');
  });
});

describe("renderTable()", () => {
  it("aligns columns, numbers to the right", () => {
    const columns = [{ title: "agent" }, { title: "n", align: "right" as const }];
    assert.equal(
      renderTable(columns, [
        ["CEO", "7"],
        ["CFO", "1,200"],
      ]),
      "agent      n\n─────  ─────\nCEO        7\nCFO    1,200\n",
    );
  });

  it("cuts the widest columns to the width of the terminal", () => {
    const text = renderTable([{ title: "a" }, { title: "b" }], [["short", "x".repeat(100)]], 30);
    assert.deepEqual(text.split("\n").map(cellWidth), [8, 30, 30, 0]);
    assert.match(text, /short  x+…/);
  });

  it("writes rows of too many columns one field a line", () => {
    const columns = Array.from({ length: 12 }, (_, index) => ({ title: `column${index}` }));
    const text = renderTable(columns, [columns.map(({ title }) => `value of ${title}`)], 60);
    assert.match(text, /^── row 1\ncolumn0 {3}value of column0\n/);
  });

  it("counts East Asian characters and emoji as two columns", () => {
    assert.equal(cellWidth("日本🍵é"), 7);
    assert.equal(truncate("日本語", 4), "日…");
  });

  it("shows no control characters: what agents log cannot take over the terminal", () => {
    assert.equal(printable("a\u001b[31mb\nc\u202ed"), "a\\u{1b}[31mb\\nc\\u{202e}d");
    assert.ok(!renderTable([{ title: "\u001b]0;x" }], [["\u001b[2J"]]).includes("\u001b"));
  });

  it("separates thousands", () => {
    assert.equal(thousands(1234567), "1,234,567");
  });
});

describe("describeFailure()", () => {
  it("an error of ours is its code, its fix and its cause", () => {
    const error = new IndelibleError("ERR_CONFIG", "no project", { hint: "Set one.", cause: new Error("empty") });
    assert.equal(describeFailure(error), "error ERR_CONFIG: no project\nfix: Set one.\nbecause: empty\n");
  });

  it("any other error is its message and its causes, however they are chained", () => {
    const error = new Error("outer");
    error.cause = error;
    assert.match(describeFailure(error), /^error: outer\nbecause: outer\n/);
    assert.equal(describeFailure("text"), "error: text\n");
  });
});
