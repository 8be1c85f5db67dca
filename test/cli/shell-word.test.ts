import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { shellOperand, shellWord } from "../../cli/terminal/shell-word.ts";

describe("shellWord()", () => {
  const hostile = [
    "x; touch p #",
    "$(touch p)`touch p`",
    'it\'s \\ "quoted" !! *',
    "\u001b[2J it's\n!1\\\u007fab",
    "漢字 \u202eevil\u00ad\u0085\u{e0001}",
    "=ls",
    "~",
    "",
    "-rf",
  ];

  it("is one word with the same text for bash, and shows no controls", () => {
    for (const text of hostile) {
      const word = shellWord(text);
      assert.doesNotMatch(word, /[\p{Cc}\p{Cf}]/u);
      const out = execFileSync("bash", ["-c", `printf '%s|' ${word}`], {
        encoding: "utf8",
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      });
      assert.equal(out, `${text}|`);
    }
  });

  it("leaves what needs no quotes as it is", () => {
    assert.equal(shellWord("0199c0de-7e57_a/b.c:d@e%f+g,h"), "0199c0de-7e57_a/b.c:d@e%f+g,h");
    assert.equal(shellWord("a b"), "'a b'");
  });
});

describe("shellOperand()", () => {
  it("is no option", () => {
    assert.equal(shellOperand("--data=x"), "-- --data=x");
    assert.equal(shellOperand("budget"), "budget");
  });
});
