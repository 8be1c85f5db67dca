import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readRuns, type Run } from "../../cli/import/transcript.ts";

const folder = mkdtempSync(join(tmpdir(), "indelible-transcript-"));
after(() => rmSync(folder, { recursive: true }));

const user = { role: "user", content: "hello" };
const assistant = { role: "assistant", content: "hi" };

async function read(text: string, name = "transcript.json"): Promise<Run[]> {
  const path = join(folder, name);
  writeFileSync(path, text);
  return runsOf(path);
}

async function runsOf(path: string): Promise<Run[]> {
  const runs: Run[] = [];
  for await (const run of readRuns(path)) runs.push(run);
  return runs;
}

describe("readRuns()", () => {
  const forms: { readonly [form: string]: readonly [text: string, name?: string] } = {
    "an array of messages is one run": [JSON.stringify([user, assistant])],
    "an array of runs with messages": [JSON.stringify([{ id: 1, messages: [user, assistant] }])],
    "an array of runs with traj": [JSON.stringify([{ task_id: 1, traj: [user, assistant] }])],
    "an array of arrays of messages": [JSON.stringify([[user, assistant]])],
    "one run": [JSON.stringify({ messages: [user, assistant] })],
    "a byte order mark is ignored": [`\ufeff${JSON.stringify([user, assistant])}`],
    "JSON Lines": [`${JSON.stringify({ messages: [user, assistant] })}\n\n`, "runs.jsonl"],
    "JSON Lines with CRLF": [`${JSON.stringify({ messages: [user, assistant] })}\r\n`, "runs.ndjson"],
  };
  for (const [form, [text, name]] of Object.entries(forms)) {
    it(`reads ${form}`, async () => {
      const runs = await read(text, name);
      assert.deepEqual(
        runs.map(({ messages }) => messages),
        [[user, assistant]],
      );
    });
  }

  it("reads JSON Lines that are called .json", async () => {
    const line = JSON.stringify([user]);
    assert.equal((await read(`${line}\n${line}\n`)).length, 2);
  });

  it("keeps what a run says beside its messages", async () => {
    const [run] = await read(JSON.stringify([{ model: "gpt-4o", messages: [user] }]));
    assert.deepEqual(run?.fields, { model: "gpt-4o" });
  });

  const faults: { readonly [fault: string]: readonly [text: string, message: RegExp, name?: string] } = {
    "text that is not JSON": ["hello", /transcript\.json: it is not JSON/],
    "an empty file": ["", /it is not JSON/],
    "an empty array": ["[]", /the array is empty/],
    "an empty JSON Lines file": ["\n", /it holds no messages/, "empty.jsonl"],
    "a number": ["7", /run 1 of .*: it is neither an object nor an array/],
    "runs without messages": [`[{"id": 1}]`, /run 1 of .*: it has no array under `messages` or `traj`/],
    "messages that are no objects": [`[{"messages": ["hello"]}]`, /message 1 of run 1 of .*: it is not an object/],
    "messages without a role": [
      JSON.stringify([{ messages: [user, { content: "x" }] }]),
      /message 2 of run 1 of .*: it has no `role`/,
    ],
    "a broken line": [`${JSON.stringify([user])}\n{"messages":`, /line 2: the line is not JSON/, "broken.jsonl"],
  };
  for (const [fault, [text, message, name]] of Object.entries(faults)) {
    it(`refuses ${fault} and says where`, async () => {
      await assert.rejects(read(text, name), { code: "ERR_TRANSCRIPT", message });
    });
  }

  for (const name of ["nowhere.json", "nowhere.jsonl"]) {
    it(`refuses a file that is not there: ${name}`, async () => {
      await assert.rejects(runsOf(join(folder, name)), {
        code: "ERR_TRANSCRIPT",
        message: /it cannot be read/,
      });
    });
  }
});
