import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { withReference } from "../../cli/reference.ts";
import { commands } from "./conventions.ts";

const text = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

describe("docs/cli.md", () => {
  it("is up to date; when it is not: npm run build", () => {
    assert.equal(text, withReference(text));
  });

  it("has every command with every option, and an example of each", () => {
    for (const { path, command } of commands) {
      if (path === "") continue;
      const [, section = ""] = text.split(`### indelible ${path}\n`);
      const own = section.split("\n### ")[0] ?? "";
      for (const { long } of command.options) assert.ok(own.includes(`${long}`), `${path} ${long}`);
      const [, , usage, ...examples] = ["", ...own.split("```sh\n")];
      assert.ok(usage?.startsWith(`indelible ${path}`), path);
      assert.ok(
        examples.some((block) => block.split("```")[0]?.includes(`indelible ${path}`)),
        `${path} has an example`,
      );
    }
  });

  it("loses nothing that people have written", () => {
    assert.equal(
      withReference(text.replace("# The command line", "# Mine")),
      text.replace("# The command line", "# Mine"),
    );
    assert.throws(() => withReference("nothing"), /has lost its mark/);
  });
});
