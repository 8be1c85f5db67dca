import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { check } from "@indelible/schemas/evolution-check.ts";
import { ruleNames, rules, stepNames } from "@indelible/schemas/evolution-rules.ts";
import { rulesReference } from "@indelible/schemas/evolution-text.ts";
import { changesBetween, rolloutOf, type Change } from "@indelible/schemas/evolution.ts";
import { newestRelease, readRelease } from "@indelible/schemas/releases.ts";
import { parseSnapshot, snapshotOf, snapshotText } from "@indelible/schemas/snapshot.ts";
import { allowedCases, draftOf, optional, refusedCases, sampleSnapshot, type Draft } from "./evolution-cases.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const before = sampleSnapshot();

function changesBy(edit: (draft: Draft) => void): readonly Change[] {
  const draft = draftOf(before);
  edit(draft);
  return changesBetween(before, draft);
}

describe("the declaration", () => {
  it("has nothing that a table of the last release cannot take: npm run schemas:check", () => {
    const { exitCode, stdout, stderr } = check([]);
    assert.equal(exitCode, 0, `${stdout}${stderr}`);
  });

  it("is written down with every release, as a file that reads back as what it was", () => {
    const path = newestRelease();
    assert.ok(path);
    assert.equal(snapshotText(readRelease(path)), readFileSync(path, "utf8"));
    const now = snapshotOf("next");
    assert.deepEqual(parseSnapshot(snapshotText(now)), JSON.parse(JSON.stringify(now)));
  });

  it("has rules that docs/schema-changes.md shows as they are", () => {
    const text = readFileSync(join(root, "docs/schema-changes.md"), "utf8");
    assert.ok(text.includes(rulesReference()), "Put in what this prints: npm run -s schemas:check -- --rules");
  });
});

describe("changesBetween()", () => {
  it("finds nothing between a declaration and itself", () => {
    assert.deepEqual(changesBetween(before, draftOf(before)), []);
  });

  for (const { rule, title, table = "samples", column, edit, noTable } of allowedCases) {
    it(`allows ${title}`, () => {
      const changes = changesBy(edit);
      assert.deepEqual(
        changes.map((change) => [change.rule, change.table, change.column, change.allowed]),
        [[rule, noTable ? undefined : table, column, true]],
      );
    });
  }

  for (const { rule, title, table = "samples", column, edit, noTable } of refusedCases) {
    it(`refuses ${title}, and says what to do instead`, () => {
      const changes = changesBy(edit).filter(({ allowed }) => !allowed);
      assert.deepEqual(
        changes.map((change) => [change.rule, change.table, change.column]),
        [[rule, noTable ? undefined : table, column]],
      );
      assert.ok(changes[0]?.instead);
      assert.deepEqual(rolloutOf(changes), []);
    });
  }

  it("has a case for each of its rules", () => {
    const shown = new Set([...allowedCases, ...refusedCases].map(({ rule }) => rule));
    assert.deepEqual(
      ruleNames.filter((name) => !shown.has(name)),
      [],
    );
    for (const { rule } of allowedCases) assert.ok(rules[rule].allowed, rule);
    for (const { rule } of refusedCases) assert.ok(!rules[rule].allowed, rule);
  });

  it("names each of several changes of one column", () => {
    const changes = changesBy(({ tables }) => {
      const colour = tables["samples"]?.columns["colour"];
      assert.ok(colour);
      colour.enum = ["red", "blue"];
      colour.maxLength = 128;
      colour.required = true;
    });
    assert.deepEqual(
      changes.map(({ rule }) => rule),
      ["column made required", "enum widened", "enum narrowed", "length raised", "version not raised"],
    );
  });

  it("lets a closed set become free text that may be as long as the longest of its values, and no shorter", () => {
    const opened = (maxLength: number): readonly string[] =>
      changesBy(({ tables }) => {
        const { samples } = tables;
        const colour = samples?.columns["colour"];
        assert.ok(samples && colour);
        samples.version += 1;
        delete colour.enum;
        colour.maxLength = maxLength;
      }).map(({ rule }) => rule);
    assert.deepEqual(opened("green".length), ["enum opened"]);
    assert.deepEqual(opened("green".length - 1), ["enum opened", "length lowered"]);
    assert.deepEqual(opened(65), ["enum opened", "length raised"]);
  });

  for (const name of ["constructor", "valueOf", "toString"]) {
    it(`knows what is new by the name of what every object has: ${name}`, () => {
      const forth = draftOf(before);
      const { samples } = forth.tables;
      assert.ok(samples);
      forth.tables[name] = structuredClone(samples);
      forth.views[name] = ["any"];
      samples.version += 1;
      samples.columns[name] = optional("string");
      const rulesOf = (changes: readonly Change[]): readonly string[] => changes.map(({ rule }) => rule).toSorted();
      assert.deepEqual(rulesOf(changesBetween(before, forth)), ["column added", "table added", "view added"]);
      assert.deepEqual(rulesOf(changesBetween(forth, before)), [
        "column removed",
        "table removed",
        "version lowered",
        "view removed",
      ]);
    });
  }

  it("says in a sentence that system columns are in another order, and which views have a further column", () => {
    const changes = changesBy(({ system, views }) => {
      system.stamped = Object.fromEntries(Object.entries(system.stamped).toReversed());
      for (const name of ["samples", "samples_history"]) views[name]?.push("fresh", "more");
    });
    assert.deepEqual(
      changes.map(({ sentence }) => sentence.replace(/\. .*/, "")),
      ["system columns are in another order", "new in samples, samples_history: fresh, more"],
    );
  });

  it("wants a higher version of every table for a further system column", () => {
    const changes = changesBy(({ system }) => (system.stamped["fresh"] = optional("string")));
    assert.deepEqual(changes.map(({ rule, table }) => [rule, table]).slice(0, 2), [
      ["column added", undefined],
      ["version not raised", "conversations"],
    ]);
    assert.equal(changes.length, 1 + Object.keys(before.tables).length);
    const due = changesBy(({ system, tables }) => {
      system.stamped["fresh"] = optional("string");
      for (const table of Object.values(tables)) table.version += 1;
    });
    assert.deepEqual(
      due.map(({ rule }) => rule),
      ["column added"],
    );
  });

  it("allows a shorter retention that somebody has decided, from that to that and no other", () => {
    const draft = draftOf(before);
    const { samples } = draft.tables;
    assert.ok(samples);
    samples.retentionDays = 366;
    const [open] = changesBetween(before, draft);
    assert.equal(open?.decision, "samples: retention 731 to 366 days after 1.0.0");
    const decisions = { "samples: retention 731 to 366 days after 1.0.0": "The works council wants it so" };
    const [decided] = changesBetween(before, draft, decisions);
    assert.equal(decided?.allowed, true);
    assert.match(decided.sentence, /Decided: The works council wants it so\. When every verifier has this release/);
    assert.deepEqual(rolloutOf([decided]), [{ step: "verifiers", tables: ["samples"] }]);
    samples.retentionDays = 30;
    assert.equal(changesBetween(before, draft, decisions)[0]?.allowed, false);
    samples.retentionDays = 366;
    assert.equal(
      changesBetween({ ...before, release: "1.1.0" }, draft, decisions)[0]?.allowed,
      false,
      "a later release",
    );
  });
});

describe("rolloutOf()", () => {
  it("brings a column to the tables first, and to those who publish it last", () => {
    const changes = changesBy(({ tables }) => {
      const { samples, conversations } = tables;
      assert.ok(samples && conversations);
      samples.version += 1;
      samples.columns["fresh"] = optional("string");
      conversations.version += 1;
      conversations.columns["status"]?.enum?.push("cancelled");
    });
    assert.deepEqual(rolloutOf(changes), [
      { step: "tables", tables: ["samples"] },
      { step: "views", tables: ["samples"] },
      { step: "verifiers", tables: ["conversations", "samples"] },
      { step: "function", tables: ["conversations", "samples"] },
      { step: "publishers", tables: ["conversations", "samples"] },
    ]);
  });

  it("brings whatever events are valid by to verifiers before the function, and to the function before publishers", () => {
    for (const name of ruleNames) {
      const { rollout, raisesVersion, allowed } = rules[name];
      assert.deepEqual(
        [...rollout],
        stepNames.filter((step) => rollout.includes(step)),
        `${name}: in order`,
      );
      if (!raisesVersion || !allowed) continue;
      assert.deepEqual(rollout.slice(-3), ["verifiers", "function", "publishers"], name);
    }
  });
});
