import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { refusal } from "./conventions.ts";

describe("wrong usage of indelible dlq", () => {
  for (const [args, message] of [
    [["list", "--since", "nonsense"], /--since <time>.*30m, 2h or 7d/],
    [["list", "--group", "nonsense"], /--group <id>.*dlq list/],
    [["show", "%"], /g-3fa91c2b/],
    [["replay", "g-xyz", "--yes"], /g-3fa91c2b/],
    [["jobs", "nonsense"], /dlq jobs/],
    [["discard", "--limit", "0"], /above 0/],
  ] as const) {
    it(`is refused, and what is right is said: ${args.join(" ")}`, async () => {
      assert.match((await refusal(["dlq", ...args])).errors, message);
    });
  }
});
