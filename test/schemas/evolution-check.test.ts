import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { check } from "@indelible/schemas/evolution-check.ts";
import { rulesReference } from "@indelible/schemas/evolution-text.ts";
import { newestRelease, readRelease, writeRelease } from "@indelible/schemas/releases.ts";
import { snapshotText } from "@indelible/schemas/snapshot.ts";
import { draftOf, optional, sampleSnapshot, type Draft } from "./evolution-cases.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const before = sampleSnapshot();

/** What `--json` prints. */
interface Printed {
  readonly against: string | null;
  readonly allowed: boolean;
  readonly faults: readonly string[];
  readonly changes: readonly { readonly [name: string]: unknown }[];
  readonly rollout: readonly { readonly [name: string]: unknown }[];
}

describe("schemas:check", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-releases-"));
  after(() => rmSync(folder, { recursive: true }));
  writeRelease({ ...before, release: "0.9.0" }, folder);
  writeRelease({ ...before, release: "0.10.0" }, folder);
  const declared = (edit: (draft: Draft) => void): { declared: Draft; folder: string } => {
    const draft = draftOf({ ...before, release: "next" });
    edit(draft);
    return { declared: draft, folder };
  };

  it("says in one line that nothing has changed since the newest release, by number and not by letters", () => {
    const { exitCode, stdout } = check(
      [],
      declared(() => {}),
    );
    assert.equal(stdout, "Nothing has changed since release 0.10.0.\n");
    assert.equal(exitCode, 0);
  });

  it("prints the order of rollout of what is allowed, numbered", () => {
    const { exitCode, stdout } = check(
      [],
      declared(({ tables }) => {
        const { samples } = tables;
        assert.ok(samples);
        samples.version += 1;
        samples.columns["fresh"] = optional("string");
      }),
    );
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Allowed since release 0\.10\.0 \(1\):\n {2}column added: samples\.fresh is new\. /);
    assert.match(
      stdout,
      /\n {2}1\. Tables \(samples\)\. [^]*\n {2}5\. Publishers and agents, and `indelible dlq` \(samples\)\. /,
    );
  });

  it("ends with 1 for what is not allowed, and says what to do instead", () => {
    const { exitCode, stdout } = check(
      [],
      declared(({ tables }) => delete tables["samples"]?.columns["note"]),
    );
    assert.equal(exitCode, 1);
    assert.match(stdout, /^Not allowed since release 0\.10\.0 \(2\):\n {2}column removed: samples\.note is gone\. /);
    assert.match(stdout, /\n {4}instead: Leave it declared/);
    assert.doesNotMatch(stdout, /Order of rollout/);
  });

  it("prints the same as JSON", () => {
    const { exitCode, stdout } = check(
      ["--json"],
      declared(({ topics }) => topics.push("agent-logs.more")),
    );
    assert.equal(exitCode, 0);
    const { against, allowed, faults, changes, rollout } = JSON.parse(stdout) as Printed;
    assert.deepEqual([against, allowed, changes[0]?.["rule"]], ["0.10.0", true, "topic added"]);
    assert.deepEqual(rollout[0], { step: "topics", tables: [null] });
    assert.deepEqual(
      [changes[0]?.table, changes[0]?.column, changes[0]?.instead, changes[0]?.decision, faults],
      [null, null, null, null, []],
    );
  });

  it("compares with another snapshot by --against, and with what was decided", () => {
    const path = join(folder, "mine.json");
    const longer = draftOf(before);
    for (const table of Object.values(longer.tables)) table.retentionDays += 1;
    writeFileSync(path, snapshotText({ ...longer, release: "0.11.0" }));
    const given = declared(() => {});
    const open = check(["--against", path], given);
    assert.equal(open.exitCode, 1);
    const keys = [...open.stdout.matchAll(/ {4}key: "(.+)"\n/g)].map(([, key = ""]) => [key, "Asked for."]);
    assert.equal(keys.length, Object.keys(before.tables).length);
    writeFileSync(join(folder, "decisions.json"), JSON.stringify(Object.fromEntries(keys)));
    const decided = check(["--against", path], given);
    assert.deepEqual([decided.exitCode, decided.stderr], [0, ""]);
    writeFileSync(join(folder, "decisions.json"), '{"x": ""}');
    assert.equal(check(["--against", path], given).exitCode, 2);
    rmSync(join(folder, "decisions.json"));
  });

  it("says which decisions allow nothing, but for those that followed another release", () => {
    const reasons = {
      "samples: retention 9 to 8 days after 0.9.0": "Then.",
      "samples: retention 9 to 8 days": "Mistyped.",
    };
    writeFileSync(join(folder, "decisions.json"), JSON.stringify(reasons));
    const { exitCode, stderr } = check(
      [],
      declared(() => {}),
    );
    rmSync(join(folder, "decisions.json"));
    assert.equal(stderr, 'decisions.json allows nothing by "samples: retention 9 to 8 days".\n');
    assert.equal(exitCode, 0);
  });

  it("names a new table in the order of rollout", () => {
    const { stdout } = check(
      [],
      declared(({ tables }) => {
        const { samples } = tables;
        assert.ok(samples);
        tables["further"] = structuredClone(samples);
      }),
    );
    assert.match(stdout, /\n {2}table added: table further is new\. /);
    assert.match(stdout, /\n {2}1\. Tables \(further\)\. /);
  });

  it("writes no release that the newest one refuses, by comparing it with an older one", () => {
    const lost = declared(({ tables }) => delete tables["samples"]?.columns["note"]);
    const args = ["--against", join(folder, "0.9.0.json"), "--release", "1.0.0"];
    const { exitCode, stderr } = check(args, lost);
    assert.equal(exitCode, 2);
    assert.match(stderr, /^--release compares with the newest release/);
    assert.equal(newestRelease(folder), join(folder, "0.10.0.json"));
  });

  it("refuses --rules with any other option", () => {
    for (const more of [["--json"], ["--release", "1.0.0"], ["--against", join(folder, "0.9.0.json")]]) {
      const { exitCode, stdout, stderr } = check(["--rules", ...more]);
      assert.deepEqual([exitCode, stdout], [2, ""]);
      assert.match(stderr, /^--rules goes with no other option\./);
    }
    assert.equal(check(["--rules"]).stdout, rulesReference());
  });

  it("ends with 1 for what is not valid at all, says what, and releases nothing", () => {
    const invalid = declared(({ tables }) => {
      const { samples } = tables;
      assert.ok(samples);
      samples.version += 1;
      samples.columns["_CHANGE_TYPE"] = optional("string");
    });
    const { exitCode, stdout } = check([], invalid);
    assert.equal(exitCode, 1);
    assert.match(stdout, /^Not valid \(1\):\n {2}samples: "_CHANGE_TYPE" is no name of a column: /);
    assert.match(stdout, /\nThere is no order of rollout before everything is allowed and valid\./);
    const { allowed, faults, rollout } = JSON.parse(check(["--json"], invalid).stdout) as Printed;
    assert.deepEqual([allowed, faults.length, rollout], [false, 1, []]);
    assert.match(check(["--release", "1.0.0"], invalid).stderr, /Release 1\.0\.0 was not written/);
  });

  it("writes a release once, above those that there are, and not with what is refused", () => {
    const wider = declared(({ topics }) => topics.push("agent-logs.more"));
    const refused = check(
      ["--release", "1.0.0"],
      declared(({ topics }) => topics.pop()),
    );
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /Release 1\.0\.0 was not written/);
    for (const version of ["0.10.0", "0.9.5", "1.0", "../x"]) {
      const { exitCode, stderr } = check(["--release", version], wider);
      assert.equal(exitCode, 2, version);
      assert.match(stderr, /release .* is not above 0\.10\.0|is no version of a release/);
    }
    assert.equal(check(["--release", "0.11.0"], wider).exitCode, 0);
    assert.equal(newestRelease(folder), join(folder, "0.11.0.json"));
    assert.deepEqual(readRelease(join(folder, "0.11.0.json")), { ...wider.declared, release: "0.11.0" });
    assert.equal(check([], wider).stdout, "Nothing has changed since release 0.11.0.\n");
  });

  it("writes the first release, before which nothing is refused", () => {
    const empty = mkdtempSync(join(folder, "first-"));
    const { exitCode, stdout } = check(["--release", "0.1.0"], { ...declared(() => {}), folder: empty });
    assert.deepEqual([exitCode, stdout], [0, "There is no release yet.\n"]);
    assert.equal(newestRelease(empty), join(empty, "0.1.0.json"));
  });

  it("ends with 2 and the usage for what it does not know, and for a file that is no snapshot", () => {
    for (const args of [["--what"], ["extra"], ["--against"]]) {
      const { exitCode, stderr } = check(args);
      assert.equal(exitCode, 2);
      assert.match(stderr, /npm run schemas:check -- --help/);
    }
    const other = join(folder, "other.json");
    for (const text of ["{}", "no json"]) {
      writeFileSync(other, text);
      assert.equal(check(["--against", other]).exitCode, 2);
    }
    assert.match(check(["--against", join(folder, "missing.json")]).stderr, /cannot be read/);
  });

  it("is a command", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, "schemas/check.ts"), "--help"]);
    assert.match(stdout, /Usage: npm run schemas:check/);
  });
});
