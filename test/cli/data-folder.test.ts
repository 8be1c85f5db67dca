import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { claimDataFolder } from "../../cli/dev/data-folder.ts";

const root = mkdtempSync(join(tmpdir(), "indelible-folder-"));
after(() => rmSync(root, { recursive: true }));

describe("claimDataFolder()", () => {
  it("refuses a folder that is in use, until it is free again", () => {
    const folder = join(root, "data");
    {
      using claimed = claimDataFolder(folder);
      assert.equal(claimed.path, folder);
      assert.throws(() => claimDataFolder(folder), { code: "ERR_CONFIG", message: /another `indelible dev`/ });
    }
    using again = claimDataFolder(folder);
    assert.equal(again.path, folder);
  });

  it("refuses a path that is no folder", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    assert.throws(() => claimDataFolder(file), { code: "ERR_CONFIG", message: /cannot be used/ });
  });
});
