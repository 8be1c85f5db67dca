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

const files = {
  "THIRD-PARTY-LICENSES.txt": "c",
  "index.js": "a",
  "index.js.map": "{}",
  "package-lock.json": '{"name":"indelible-function"}',
  "package.json": '{ "name": "indelible-function" }',
};

describe("openBundle()", () => {
  const { sha256 } = openBundle(folderOf("first", files));

  it("gives the same hash for the same files, wherever they are", () => {
    assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.equal(openBundle(folderOf("second", files)).sha256, sha256);
  });

  it("gives another one when a file is changed", () => {
    assert.notEqual(openBundle(folderOf("changed", { ...files, "index.js": "b" })).sha256, sha256);
  });

  it("says how to make one when there is none", () => {
    assert.throws(() => openBundle(join(root, "none")), {
      code: "ERR_CONFIG",
      message: /^there is no \S+none to deploy$/,
      hint: "npm run build",
    });
  });

  for (const missing of Object.keys(files)) {
    it(`takes no folder without ${missing}`, () => {
      const others = Object.fromEntries(Object.entries(files).filter(([name]) => name !== missing));
      const folder = folderOf(`without-${missing}`, others);
      assert.throws(() => openBundle(folder), { code: "ERR_CONFIG", message: new RegExp(`lacks ${missing}$`) });
    });
  }

  for (const stray of [".env", "node_modules/left-pad/index.js"]) {
    it(`takes no folder with ${stray}, which would be deployed, too`, () => {
      const folder = folderOf(`with-${stray.replaceAll("/", "-")}`, { ...files, [stray]: "" });
      const [name = ""] = stray.split("/");
      assert.throws(() => openBundle(folder), { code: "ERR_CONFIG", message: new RegExp(`has ${name}, which`) });
    });
  }

  for (const [what, lock] of Object.entries({
    "of the whole workspace": '{"name":"indelible-workspace"}',
    "without a name": "{}",
    "cut short": '{"name":"indelible-fun',
  })) {
    it(`takes no lock file ${what}`, () => {
      const folder = folderOf(`lock-${what.replaceAll(" ", "-")}`, { ...files, "package-lock.json": lock });
      assert.throws(() => openBundle(folder), {
        code: "ERR_CONFIG",
        message: /lock file .* not of indelible-function/,
      });
    });
  }
});
