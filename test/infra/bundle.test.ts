import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { openBundle } from "../../infra/bundle.ts";

const root = mkdtempSync(join(tmpdir(), "indelible-bundle-"));
after(() => rmSync(root, { recursive: true }));

/** A folder with these files, each with its own name as content unless told otherwise. */
function folderOf(name: string, files: { readonly [file: string]: string }): string {
  const folder = join(root, name);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), content);
  }
  return folder;
}

describe("openBundle()", () => {
  const files = { "index.js": "a", "package-lock.json": "{}", "a/b.txt": "c" };
  const { sha256 } = openBundle(folderOf("first", files));

  it("gives the same hash for the same files, wherever they are", () => {
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.equal(openBundle(folderOf("second", files)).sha256, sha256);
  });

  it("gives another one when a file is changed, renamed or there no more", () => {
    const { "index.js": index, ...others } = files;
    for (const [name, changed] of Object.entries({
      changed: { ...files, "index.js": "b" },
      renamed: { ...others, "main.js": index },
      gone: others,
    })) {
      assert.notEqual(openBundle(folderOf(name, changed)).sha256, sha256, name);
    }
  });

  it("says how to make one when there is none", () => {
    assert.throws(() => openBundle(join(root, "none")), { code: "ERR_CONFIG", hint: "npm run build" });
  });
});
