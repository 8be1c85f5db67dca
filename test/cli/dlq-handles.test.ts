import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { adviceOf, FILL_IN } from "../../cli/dlq/advice.ts";
import { choose, resolveFilter, resolveGroup, resolveJob } from "../../cli/dlq/choice.ts";
import { edit, readPatch } from "../../cli/dlq/edit.ts";
import { readGroup } from "../../cli/dlq/group.ts";
import { digitsOf, groupIdOf, jobIdOf } from "../../cli/dlq/handle.ts";
import { groupsOf, type Letter } from "../../cli/dlq/letter.ts";
import { groupsText } from "../../cli/dlq/list-text.ts";
import { commandText } from "../../cli/dlq/next.ts";
import { select } from "../../cli/dlq/survey.ts";
import { groupText } from "../../cli/dlq/show-text.ts";
import { cellWidth } from "../../cli/terminal/cell.ts";
import { DeadLetterWorld } from "./dlq-world.ts";

function worldOf(...events: readonly string[]): DeadLetterWorld {
  const world = new DeadLetterWorld();
  for (const event of events) world.send("conversations", event);
  return world;
}

const lettersOf = async (world: DeadLetterWorld): Promise<Letter[]> =>
  (await select(world, { filter: {}, states: ["open"], limit: 100, newestFirst: false })).map(({ letter }) => letter);

const key = { table: "thinking_logs", reason: "ERR_INVALID_EVENT", pattern: "confidence_level must be <= <n>" };

describe("groupIdOf()", () => {
  it("is the SHA-256 of table, reason and pattern, so that it is the same on every machine", () => {
    const text = "thinking_logs\nERR_INVALID_EVENT\nconfidence_level must be <= <n>";
    const digest = createHash("sha256").update(text).digest("hex");
    assert.equal(groupIdOf(key), `g-${digest.slice(0, 8)}`);
    assert.equal(groupIdOf(key), "g-07a1675c");
    assert.notEqual(groupIdOf({ ...key, table: undefined }), groupIdOf(key));
  });
});

describe("digitsOf()", () => {
  it("takes handles and their beginnings, and nothing else", () => {
    assert.equal(digitsOf("g", "G-07A1"), "07a1");
    for (const text of ["g-07a", "g-", "g-zzzz", "j-07a1", "07a1", `g-${"0".repeat(65)}`, "g-07a1 "]) {
      assert.equal(digitsOf("g", text), undefined, text);
    }
  });
});

describe("resolveGroup()", () => {
  it("takes a beginning that no other group has, and names them when several have it", async () => {
    const world = worldOf("x", '{"mood":1}');
    const [first] = groupsOf(await lettersOf(world));
    assert.ok(first !== undefined);
    const { table, reason, pattern } = await resolveGroup(world, groupIdOf(first).slice(2, 6));
    assert.deepEqual({ table, reason, pattern }, { table: first.table, reason: first.reason, pattern: first.pattern });
    await assert.rejects(resolveGroup(world, "00000000"), { code: "ERR_NOT_FOUND", hint: /dlq list/ });
    world.groupsMatching = () => Promise.resolve([key, { ...key, table: "conversations" }]);
    await assert.rejects(resolveGroup(world, "0000"), {
      code: "ERR_NOT_FOUND",
      message: /several/,
      hint: /g-[0-9a-f]{16} \(thinking_logs, ERR_INVALID_EVENT\), g-[0-9a-f]{16} \(conversations/,
    });
  });

  it("is what --group means, and --job means a run", async () => {
    const world = worldOf("x");
    const [letter] = await lettersOf(world);
    assert.ok(letter !== undefined);
    const { group } = await resolveFilter(world, { group: groupIdOf(letter).slice(2) });
    assert.equal(group?.reason, "ERR_NOT_JSON");
    await assert.rejects(resolveFilter(world, { job: "0000" }), { code: "ERR_NOT_FOUND", hint: /dlq jobs/ });
  });
});

describe("resolveJob()", () => {
  it("does not choose between two runs", async () => {
    const world = worldOf();
    const job = { reviewer: "a", decision: "replay", startedAt: "", endedAt: "", letters: 1, note: null, patch: null };
    const runs = ["p1", "p2"].map((publisherId) => ({ ...job, publisherId, decision: "replay" as const }));
    world.jobs = () => Promise.resolve(runs);
    await assert.rejects(resolveJob(world, "0000"), { message: /several/, hint: new RegExp(jobIdOf("p2", 16)) });
  });
});

describe("choose() by groups", () => {
  const wanted = { byFilter: ["open"], byId: ["open"], limit: 10 } as const;

  it("takes groups and single ones together, each letter once, and no other group", async () => {
    const world = worldOf("x", "y", '{"mood":1}', '{"conversation_id":1}');
    const letters = await lettersOf(world);
    const [broken] = groupsOf(letters);
    const id = letters[0]?.id ?? "";
    const { chosen } = await choose(world, [groupIdOf(broken ?? key), id, groupIdOf(broken ?? key)], {}, wanted);
    assert.deepEqual(
      chosen.map(({ letter }) => letter.reason),
      ["ERR_NOT_JSON", "ERR_NOT_JSON"],
    );
    const { chosen: both } = await choose(
      world,
      groupsOf(letters)
        .slice(0, 2)
        .map((one) => groupIdOf(one)),
      {},
      wanted,
    );
    assert.equal(both.length, 3);
  });

  it("keeps to the limit over all groups, and says that there are more", async () => {
    const world = worldOf("x", "y", '{"mood":1}');
    const names = groupsOf(await lettersOf(world)).map((group) => groupIdOf(group));
    const { chosen, cut } = await choose(world, names, {}, { ...wanted, limit: 2 });
    assert.deepEqual([chosen.length, cut], [2, true]);
    assert.equal((await choose(world, names, {}, { ...wanted, limit: 3 })).cut, false);
  });

  it("holds a group against the other options", async () => {
    const world = worldOf("x");
    const [letter] = await lettersOf(world);
    const name = groupIdOf(letter ?? key);
    assert.equal((await choose(world, [name], { table: "seals" }, wanted)).chosen.length, 0);
  });

  it("refuses a group that is not the one of --group, and takes it when it is", async () => {
    const world = worldOf("x", '{"mood":1}');
    const [first = assert.fail(), second = assert.fail()] = groupsOf(await lettersOf(world));
    assert.equal((await choose(world, [groupIdOf(first)], { group: first }, wanted)).chosen.length, 1);
    await assert.rejects(choose(world, [groupIdOf(first)], { group: second }, wanted), {
      code: "ERR_NOT_FOUND",
      message: /and --group are two groups/,
    });
  });
});

describe("adviceOf()", () => {
  const commandOf = (reason: string, detail: string): readonly string[] => adviceOf({ reason }, detail, "g-1").command;

  it("names the field where the detail does, and leaves values to whoever knows them", () => {
    const expected: readonly (readonly [reason: string, detail: string, patch: string])[] = [
      [
        "ERR_INVALID_EVENT",
        "confidence_level must be <= 1",
        `[{"op":"replace","path":"/confidence_level","value":FILL_IN}]`,
      ],
      [
        "ERR_INVALID_EVENT",
        "options.0.score must be number",
        `[{"op":"replace","path":"/options/0/score","value":FILL_IN}]`,
      ],
      ["ERR_INVALID_EVENT", "the event lacks business_id", `[{"op":"add","path":"/business_id","value":FILL_IN}]`],
      ["ERR_INVALID_EVENT", "options.0 lacks label", `[{"op":"add","path":"/options/0/label","value":FILL_IN}]`],
      [
        "ERR_UNKNOWN_FIELD",
        'the event has the field "a/b~c", which conversations does not',
        `[{"op":"remove","path":"/a~1b~0c"}]`,
      ],
      [
        "ERR_LOSSY_NUMBER",
        "the number 1e400 would be read as Infinity",
        `[{"op":"replace","path":"/FILL_IN","value":FILL_IN}]`,
      ],
    ];
    for (const [reason, detail, patch] of expected) {
      assert.deepEqual(commandOf(reason, detail), ["replay", "g-1", "--edit", patch]);
    }
  });

  it("says what to do in general where a detail only looks as if it named a field", () => {
    for (const quoted of ['"\\x"', '"\\u00"', '"\n"']) {
      const [, , , patch = ""] = commandOf(
        "ERR_UNKNOWN_FIELD",
        `the event has the field ${quoted}, which conversations does not`,
      );
      assert.equal(patch, `[{"op":"replace","path":"/FILL_IN","value":FILL_IN}]`, quoted);
    }
  });

  it("gives a patch that mends what the validator refused", () => {
    const world = worldOf(
      '{"conversation_id":"c","business_id":"b","agent_position":"CFO","started_at":"2026-01-31T09:30:00Z","mo\\"od~/":1}',
    );
    const event = world.deadLetters[0]?.event ?? assert.fail();
    const [, , , patch = ""] = commandOf(String(event["reason"]), String(event["reason_detail"]));
    const letter = { table: "conversations", messageId: "17", index: 0 } as Letter;
    const result = edit(String(event["data"]), readPatch(patch), letter, 0);
    assert.ok(!("misfit" in result), "misfit" in result ? result.misfit : "");
  });

  it("replays as it was what was no fault of the event, and discards what cannot be mended", () => {
    assert.deepEqual(commandOf("ERR_DELIVERY_ATTEMPTS", ""), ["replay", "g-1"]);
    assert.deepEqual(commandOf("ERR_NOT_JSON", ""), ["discard", "g-1", "--note", "sent anew"]);
    assert.deepEqual(commandOf("ERR_EMPTY", ""), ["discard", "g-1"]);
    assert.deepEqual(commandOf("ERR_OF_TOMORROW", ""), ["replay", "g-1", "--dry-run"]);
  });

  it("cannot be run before it is filled in", () => {
    for (const patch of [
      `[{"op":"add","path":"/a","value":${FILL_IN}}]`,
      `[{"op":"add","path":"/${FILL_IN}","value":1}]`,
    ]) {
      assert.throws(() => readPatch(patch), { code: "ERR_PATCH", message: /still has FILL_IN/ });
    }
  });
});

describe("commandText()", () => {
  it("quotes what an agent has logged, so that a shell takes it as it is", () => {
    const hostile = `[{"op":"remove","path":"/it's; $(touch x) \`touch y\` \\"}]`;
    const command = commandText(["replay", "g-1", "--edit", hostile], "a folder");
    const script = `indelible() { for arg in "$@"; do printf '%s\\n' "$arg"; done; }; ${command}`;
    const lines = execFileSync("sh", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
    assert.deepEqual(lines, ["dlq", "replay", "g-1", "--edit", hostile, "--data", "a folder"]);
  });

  it("says nothing of the folder that is the default", () => {
    assert.equal(commandText(["list"], ".indelible"), "indelible dlq list");
  });

  it("shows nothing that moves a terminal's cursor or reverses its text", () => {
    const detail = `the event has the field ${JSON.stringify("\u001b[2J\u202emood")}, which conversations does not`;
    const command = commandText(adviceOf({ reason: "ERR_UNKNOWN_FIELD" }, detail, "g-1").command);
    assert.match(command, /\/\\u001b\[2J\\u202emood/);
  });
});

describe("readGroup()", () => {
  const event = (agent: string, confidence: number): string =>
    JSON.stringify({
      thinking_id: "t",
      business_id: "acme",
      agent_position: agent,
      confidence_level: confidence,
      publisher_id: "p",
      seq: 1,
    });

  it("says how many, what exactly, where from, and what to do", async () => {
    const world = new DeadLetterWorld();
    for (const agent of ["CFO", "CFO", "CMO"]) world.send("thinking_logs", event(agent, 2));
    const [letter] = await lettersOf(world);
    const report = await readGroup(world, letter ?? key);
    assert.deepEqual([report.open, report.replay, report.discarded, report.sampled], [3, 0, 0, 3]);
    assert.deepEqual(report.sources, [
      { business: "acme", agent: "CFO", publisher: "p", count: 2 },
      { business: "acme", agent: "CMO", publisher: "p", count: 1 },
    ]);
    assert.deepEqual(report.details, [{ detail: "the event lacks conversation_id", count: 3 }]);
    assert.equal(report.examples.length, 3);
    assert.match(
      groupText(report, 80),
      /Next: indelible dlq replay g-[0-9a-f]{8} --edit '\[\{"op":"add","path":"\/conversation_id","value":FILL_IN\}\]'\n$/,
    );
  });

  it("knows nothing of where text comes from that is no event", async () => {
    const world = worldOf("x");
    const [letter] = await lettersOf(world);
    assert.deepEqual((await readGroup(world, letter ?? key)).sources, [{ count: 1 }]);
  });
});

describe("groupsText()", () => {
  const group = {
    ...key,
    count: 1,
    open: 1,
    firstSeen: "2026-01-31T09:30:00Z",
    lastSeen: "2026-01-31T09:30:00Z",
    example: "",
  };

  it("fits every terminal, and cuts no handle; at 80 columns no pattern of usual length either", () => {
    for (const width of [30, 60, 80, 100, 200]) {
      const text = groupsText([group, { ...group, pattern: "p".repeat(300) }], "open", width);
      assert.ok(
        text.split("\n").every((line) => cellWidth(line) <= width),
        `${width}`,
      );
      assert.ok(text.includes("g-07a1675c"));
    }
    assert.ok(groupsText([group], "open", 80).includes("\n            confidence_level must be <= <n>\n"));
    assert.equal(groupsText([group], "open", 200).trimEnd().split("\n").length, 3);
  });
});
