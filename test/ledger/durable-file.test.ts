import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { makeFolder } from "@indelible/ledger/durable-file.ts";

it("makeFolder() makes what is missing above it, and takes what is there", async (t) => {
  const root = await mkdtemp(join(tmpdir(), "indelible-durable-"));
  t.after(() => rm(root, { recursive: true }));
  const path = join(root, "a", "b", "c");
  await Promise.all([makeFolder(path, 0o700), makeFolder(path, 0o700)]);
  await makeFolder(path, 0o700);
  assert.ok((await stat(path)).isDirectory());
  assert.deepEqual(await readdir(root), ["a"]);
});

it("makeFolder() fails where there can be no folder, instead of trying for ever", { timeout: 10_000 }, async (t) => {
  const root = await mkdtemp(join(tmpdir(), "indelible-durable-"));
  t.after(() => rm(root, { recursive: true }));
  await symlink(join(root, "nowhere"), join(root, "link"));
  await assert.rejects(makeFolder(join(root, "link", "folder"), 0o700), { code: "ENOENT" });
});
