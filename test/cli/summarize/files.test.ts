import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { replaceFile } from "@indelible/ledger/durable-file.ts";
import { describeFailure } from "../../../cli/terminal/failure.ts";
import { writeDrafts, type Draft, type Outcome } from "../../../cli/summarize/files.ts";

const drafts = (content: string): Draft[] =>
  ["a.md", "b.md"].map((file) => ({ file, name: file, content: `# ${content}\n` }));
const statuses = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ status }) => status);
const messages = (outcomes: readonly Outcome[]): string[] =>
  outcomes.flatMap(({ error }) => (error instanceof Error ? error.message : []));

describe("writeDrafts()", () => {
  let folder: string;
  const at = (file: string): string => join(folder, file);
  const textOf = (file: string): string => readFileSync(at(file), "utf8");
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "indelible-summary-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("makes the folder and the files, and does not touch them when nothing has changed", async () => {
    const deep = at("agents/cfo/logs");
    assert.deepEqual(statuses(await writeDrafts(deep, drafts("one"), { isDryRun: false })), ["written", "written"]);
    const before = statSync(join(deep, "a.md"));
    assert.deepEqual(statuses(await writeDrafts(deep, drafts("one"), { isDryRun: false })), ["unchanged", "unchanged"]);
    assert.deepEqual(
      [statSync(join(deep, "a.md")).mtimeMs, statSync(join(deep, "a.md")).ino],
      [before.mtimeMs, before.ino],
    );
    assert.deepEqual(readdirSync(deep), ["a.md", "b.md"]);
  });

  it("keeps notes and the mode of a file, and counts lines", async () => {
    await writeDrafts(folder, drafts("one"), { isDryRun: false });
    writeFileSync(at("a.md"), `my note\n\n${textOf("a.md")}\nmore\n`, { mode: 0o600 });
    const { mode } = statSync(at("a.md"));
    const [first] = await writeDrafts(folder, drafts("two"), { isDryRun: false });
    assert.deepEqual([first?.status, first?.added, first?.removed], ["written", 1, 1]);
    assert.match(textOf("a.md"), /^my note\n\n<!-- .*\n# two\n<!-- .*\n\nmore\n$/);
    assert.equal(statSync(at("a.md")).mode, mode);
  });

  it("writes nothing in a dry run, not even the folder", async () => {
    assert.deepEqual(statuses(await writeDrafts(at("x/y"), drafts("one"), { isDryRun: true })), ["changed", "changed"]);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("leaves a damaged file as it is, says so, and writes the others", async () => {
    writeFileSync(at("a.md"), "<!-- indelible:begin a.md -->\nhalf\n");
    const outcomes = await writeDrafts(folder, drafts("one"), { isDryRun: false });
    assert.deepEqual(statuses(outcomes), ["failed", "written"]);
    assert.match(messages(outcomes)[0] ?? "", /a\.md has no whole block of a summary: begin in line 1; it is left/);
    assert.equal(textOf("a.md"), "<!-- indelible:begin a.md -->\nhalf\n");
  });

  it("writes through no link and over no folder", async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "indelible-elsewhere-"));
    try {
      writeFileSync(join(elsewhere, "target.md"), "not ours");
      symlinkSync(join(elsewhere, "target.md"), at("a.md"));
      mkdirSync(at("b.md"));
      const outcomes = await writeDrafts(folder, drafts("one"), { isDryRun: false });
      assert.deepEqual(statuses(outcomes), ["failed", "failed"]);
      assert.match(messages(outcomes).join("\n"), /a\.md is a symbolic link.*\n.*b\.md is no file/);
      assert.equal(readFileSync(join(elsewhere, "target.md"), "utf8"), "not ours");
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  for (const code of ["ENOSPC", "EACCES", "EROFS"]) {
    it(`leaves the old file and writes the others where the disk says ${code}`, async () => {
      await writeDrafts(folder, drafts("one"), { isDryRun: false });
      const before = textOf("a.md");
      const outcomes = await writeDrafts(folder, drafts("two"), {
        isDryRun: false,
        replace: (path, data, mode) =>
          path.endsWith("a.md")
            ? Promise.reject(Object.assign(new Error(`${code}: no`), { code }))
            : replaceFile(path, data, mode),
      });
      assert.deepEqual(statuses(outcomes), ["failed", "written"]);
      assert.match(messages(outcomes)[0] ?? "", new RegExp(`a\\.md could not be written: ${code}`));
      assert.match(describeFailure(outcomes[0]?.error), /\nfix: .*(?:disk|--out)/);
      assert.equal(textOf("a.md"), before);
      assert.match(textOf("b.md"), /# two/);
    });
  }

  it("gives up on a folder that cannot be made", { skip: !existsSync("/proc/self") }, async () => {
    await assert.rejects(writeDrafts("/proc/no/such", drafts("one"), { isDryRun: false }), { code: "ERR_CONFIG" });
  });

  it("refuses a folder that a file is in the way of", async () => {
    writeFileSync(at("file"), "x");
    await assert.rejects(writeDrafts(at("file/deep"), drafts("one"), { isDryRun: false }), {
      code: "ERR_CONFIG",
      hint: "A part of the path is a file: give another folder as --out.",
    });
    const outcomes = await writeDrafts(at("file"), drafts("one"), { isDryRun: false });
    assert.deepEqual(statuses(outcomes), ["failed", "failed"]);
    assert.equal(textOf("file"), "x");
  });

  it("leaves a whole file of one of two that write at once", async () => {
    writeFileSync(at("a.md"), "note\n");
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        writeDrafts(folder, drafts(`run ${n} ${"x".repeat(n * 5000)}`), { isDryRun: false }),
      ),
    );
    assert.match(textOf("a.md"), /^note\n\n<!-- [^\n]*\n# run (\d+) x*\n<!-- indelible:end -->\n$/);
    const [, run = "", rest = ""] = /# run (\d+) (x*)\n/.exec(textOf("a.md")) ?? [];
    assert.equal(rest.length, Number(run) * 5000);
    assert.deepEqual(readdirSync(folder), ["a.md", "b.md"]);
  });
});
