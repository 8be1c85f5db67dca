import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { logIdOfMessage } from "@indelible/schemas/entry.ts";
import fc from "fast-check";
import type { Patch } from "rfc6902";
import { edit, isPatch, readPatch } from "../../cli/dlq/edit.ts";
import type { Letter } from "../../cli/dlq/letter.ts";
import { eventsOf } from "../schemas/samples.ts";

const letter: Letter = {
  id: "00000000-0000-5000-8000-000000000001",
  reason: "ERR_INVALID_EVENT",
  detail: "",
  pattern: "",
  table: "action_logs",
  publishedAt: "2026-01-31T09:30:00Z",
  publishedMicros: 0,
  messageId: "17",
  index: 3,
  originMessageId: undefined,
  originIndex: undefined,
  replayOf: undefined,
  logId: undefined,
  parts: 1,
  bytes: 0,
  deadLetterMessageId: "18",
  decision: undefined,
};
const logId = "00000000-0000-7000-8000-000000000001";
const action = {
  action_id: "a",
  business_id: "acme",
  agent_position: "CFO",
  started_at: "2026-01-31T09:30:00Z",
  log_id: logId,
};
const replaceDetails: Patch = [{ op: "add", path: "/action_details", value: { amount: "1" } }];

function misfitOf(text: string, patch: Patch): string {
  const result = edit(text, patch, letter, 0);
  assert.ok("misfit" in result, `it was edited: ${result.text}`);
  return result.misfit;
}

describe("edit()", () => {
  it("gives canonical JSON that fits the table", () => {
    const result = edit(JSON.stringify(action), replaceDetails, letter, 0);
    assert.deepEqual(result, { text: canonicalize({ ...action, action_details: { amount: "1" } }) });
  });

  it("changes nothing but what the patch says, of any valid event", () => {
    const patch: Patch = [{ op: "add", path: "/action_type", value: "other" }];
    fc.assert(
      fc.property(eventsOf("action_logs"), (event) => {
        const result = edit(JSON.stringify(event), patch, letter, 0);
        const expected = { ...event, action_type: "other" };
        if (!("misfit" in result)) assert.equal(result.text, canonicalize(expected));
        else assert.ok(result.forcible, result.misfit);
      }),
      { numRuns: 100 },
    );
  });

  it("names what is still invalid, which can be forced", () => {
    const patch: Patch = [{ op: "add", path: "/mood", value: "good" }];
    const result = edit(JSON.stringify(action), patch, letter, 0);
    assert.deepEqual(result, {
      misfit: 'the event has the field "mood", which action_logs does not',
      forcible: true,
      text: canonicalize({ ...action, mood: "good" }),
    });
  });

  it("refuses a patch that does not fit, by the operation", () => {
    const patch: Patch = [
      { op: "test", path: "/action_id", value: "a" },
      { op: "remove", path: "/mood" },
    ];
    assert.equal(misfitOf(JSON.stringify(action), patch), "operation 2 of the patch does not fit");
    assert.equal(misfitOf("[]", [{ op: "add", path: "/-", value: 1 }]), "the patch leaves no object");
    assert.equal(misfitOf("{", replaceDetails), "it is not JSON");
  });

  it("never makes another entry of an event", () => {
    const other = "00000000-0000-7000-8000-000000000002";
    const { log_id: _, ...anonymous } = action;
    assert.match(misfitOf(JSON.stringify(action), [{ op: "replace", path: "/log_id", value: other }]), /another entry/);
    assert.match(misfitOf(JSON.stringify(action), [{ op: "remove", path: "/log_id" }]), /another entry/);
    assert.match(misfitOf(JSON.stringify(anonymous), [{ op: "add", path: "/log_id", value: other }]), /another entry/);
    const derived = logIdOfMessage("action_logs", "17", 3);
    assert.ok("text" in edit(JSON.stringify(anonymous), [{ op: "add", path: "/log_id", value: derived }], letter, 0));
    const broken = JSON.stringify({ ...action, log_id: "mine" });
    assert.ok(!("misfit" in edit(broken, [{ op: "remove", path: "/log_id" }], letter, 0)), "it had none that is one");
  });

  it("does not let a number slip through that reading has changed, unless the patch replaces it", () => {
    for (const number of ["9007199254740993", "-0", "1e400", "0.1234567890123456789"]) {
      const text = JSON.stringify({ ...action, action_details: 0 }).replace(
        '"action_details":0',
        `"action_details":{"amount":${number}}`,
      );
      assert.match(misfitOf(text, [{ op: "add", path: "/action_type", value: "other" }]), /cannot be written/, number);
      assert.deepEqual(edit(text, [{ op: "replace", path: "/action_details/amount", value: "1" }], letter, 0), {
        text: canonicalize({ ...action, action_details: { amount: "1" } }),
      });
    }
  });

  it("does not choose between two equal keys", () => {
    const text = JSON.stringify(action).replace("{", '{"action_id":"b","cost_usd":9007199254740993,');
    const patch: Patch = [{ op: "replace", path: "/cost_usd", value: 1 }];
    assert.match(misfitOf(text, patch), /a patch cannot mend it: the key "action_id" stands twice/);
  });
});

describe("readPatch()", () => {
  it("takes JSON and files alike", () => {
    const folder = mkdtempSync(join(tmpdir(), "indelible-patch-"));
    try {
      const file = join(folder, "fix.json");
      writeFileSync(file, JSON.stringify(replaceDetails));
      assert.deepEqual(readPatch(file), replaceDetails);
      assert.deepEqual(readPatch(` ${JSON.stringify(replaceDetails)}`), replaceDetails);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const refused: readonly (readonly [string, string])[] = [
    ["[", "ERR_PATCH"],
    ["[]", "ERR_PATCH"],
    ['[{"op":"set","path":"/a","value":1}]', "ERR_PATCH"],
    ['[{"op":"add","path":"a","value":1}]', "ERR_PATCH"],
    ['[{"op":"add","path":"/a"}]', "ERR_PATCH"],
    ['[{"op":"move","path":"/a"}]', "ERR_PATCH"],
    [`[${JSON.stringify("x".repeat(70_000))}]`, "ERR_PATCH"],
    ["no-such-file.json", "ERR_CONFIG"],
  ];
  for (const [text, code] of refused) {
    it(`refuses ${text.slice(0, 40)}`, () => assert.throws(() => readPatch(text), { code }));
  }

  it("takes every operation of RFC 6902", () => {
    assert.ok(
      isPatch([
        { op: "test", path: "", value: null },
        { op: "remove", path: "/a" },
        { op: "copy", from: "/a", path: "/b" },
        { op: "move", from: "", path: "/b" },
      ]),
    );
  });
});
