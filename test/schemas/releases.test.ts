import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { check } from "@indelible/schemas/evolution-check.ts";
import { newestRelease, readRelease, writeRelease } from "@indelible/schemas/releases.ts";
import { snapshotText } from "@indelible/schemas/snapshot.ts";
import { draftOf, sampleSnapshot } from "./evolution-cases.ts";

const all = mkdtempSync(join(tmpdir(), "indelible-snapshots-"));
after(() => rmSync(all, { recursive: true }));
const before = sampleSnapshot();
const emptyFolder = (): string => mkdtempSync(join(all, "releases-"));

describe("the releases' folder", () => {
  it("that is not there ends the command with 2, and says what is missing", () => {
    const folder = join(emptyFolder(), "missing");
    for (const args of [[], ["--release", "0.1.0"]]) {
      const { exitCode, stderr } = check(args, { folder });
      assert.equal(exitCode, 2);
      assert.match(stderr, /^the folder of releases cannot be read: ENOENT.*\nRun it from a whole checkout/);
    }
  });

  it("that cannot take the file ends the command with 2, and says why", () => {
    const folder = emptyFolder();
    const { exitCode, stderr } = check(["--release", `1.0.${"1".repeat(300)}`], { folder });
    assert.equal(exitCode, 2);
    assert.match(stderr, /cannot be written: ENAMETOOLONG.*\nMake the folder writable/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("has the newest by its number, of names that are versions without needless zeros", () => {
    const folder = emptyFolder();
    for (const name of ["0.9.0", "0.10.0", "00.20.0", "0.30.00", "1.0", "next"])
      writeFileSync(join(folder, `${name}.json`), "");
    assert.equal(newestRelease(folder), join(folder, "0.10.0.json"));
  });
});

describe("readRelease()", () => {
  it("refuses a snapshot under the name of another release", () => {
    const folder = emptyFolder();
    const path = join(folder, "0.9.0.json");
    writeFileSync(path, snapshotText({ ...before, release: "next" }));
    assert.throws(() => readRelease(path), {
      code: "ERR_CONFIG",
      message: `${path} is the snapshot of "next"`,
      hint: /restore the file/,
    });
    assert.equal(check([], { folder }).exitCode, 2);
    writeFileSync(path, snapshotText({ ...before, release: "0.9.0" }));
    assert.equal(readRelease(path).release, "0.9.0");
  });
});

describe("writeRelease()", () => {
  it("refuses a version with needless zeros", () => {
    for (const release of ["00.2.0", "0.02.0", "0.2.00", "-1.0.0", "0.1.0-rc"]) {
      assert.throws(() => writeRelease({ ...before, release }, emptyFolder()), {
        code: "ERR_CONFIG",
        message: /is no version of a release/,
      });
    }
  });

  it("writes nothing that would not read back as what it is", () => {
    const folder = emptyFolder();
    const draft = draftOf(before);
    const { samples } = draft.tables;
    assert.ok(samples);
    samples.version = NaN;
    assert.throws(() => writeRelease(draft, folder), { code: "ERR_CONFIG", message: /would not read back/ });
    assert.deepEqual(readdirSync(folder), []);
  });
});
