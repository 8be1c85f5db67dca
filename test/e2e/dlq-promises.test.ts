import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { PubSub } from "@google-cloud/pubsub";
import type { Patch } from "rfc6902";
import { pubSubClient } from "../../cli/clients.ts";
import { choose } from "../../cli/dlq/choice.ts";
import { atDesk, type Desk } from "../../cli/dlq/desk.ts";
import { discardLetters } from "../../cli/dlq/discard.ts";
import { groupIdOf, jobIdOf } from "../../cli/dlq/handle.ts";
import { hasOutcome, readJobs } from "../../cli/dlq/job.ts";
import type { Group, State } from "../../cli/dlq/letter.ts";
import { replayAndFollow } from "../../cli/dlq/replay.ts";
import { Run, type Reviewer } from "../../cli/dlq/reviews.ts";
import { compare, isRestorable, restore, type Comparison } from "../../cli/dlq/safety-net.ts";
import { withSafetyNet } from "../../cli/dlq/safety-net-client.ts";
import type { Surveyed } from "../../cli/dlq/survey.ts";
import { openWarehouse, rowsOf, type PlainRow } from "../../cli/warehouse.ts";
import { DataFolder, Dev } from "./dev.ts";
import { nextOf, paste, type Ended } from "./dlq-cli.ts";

const folder = new DataFolder();
// Where `indelible dev` keeps its data unless told otherwise: so do the commands that are pasted.
const data = join(folder.path, "data");
const shell = (line: string): Promise<Ended> => paste(folder.path, `${line} --data data`);
const signal = new AbortController().signal;
const patience = { deadlineMs: 30_000 };

/** What the commands do, in this process: to start one takes longer than all that it does. */
const work = <T>(what: (desk: Desk) => Promise<T>): Promise<T> => atDesk(data, patience, what);
const groupsOf = (table: string): Promise<Group[]> => work(({ reader }) => reader.groups({ table }, undefined, 100));
const query = async (sql: string): Promise<PlainRow[]> => rowsOf(await openWarehouse(data), { query: sql }, patience);
const reviewer = (name = "ops@desk"): Reviewer => ({ name, note: undefined, run: new Run() });

/** What is named, or what is in this state of all. */
async function chosen(
  desk: Desk,
  names: readonly string[],
  state: State = "open",
  limit = 10_000,
): Promise<readonly Surveyed[]> {
  return (await choose(desk.reader, names, {}, { byFilter: [state], byId: [state], limit })).chosen;
}

const replay = (
  desk: Desk,
  letters: readonly Surveyed[],
  patch: Patch,
  options: { readonly force?: true; readonly reviewer?: Reviewer } = {},
): ReturnType<typeof replayAndFollow> =>
  replayAndFollow(
    desk,
    letters,
    { patch, force: options.force === true },
    { reviewer: options.reviewer ?? reviewer(), ratePerSecond: 5000, waitMs: 60_000, signal },
  );

async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const giveUpAt = performance.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (performance.now() > giveUpAt) assert.fail(`after a minute it is still ${JSON.stringify(answer)}`);
    await delay(50);
  }
}

const openIn = (table: string, count: number): Promise<Group[]> =>
  until(
    () => groupsOf(table),
    (groups) => groups.reduce((sum, group) => sum + group.count, 0) === count,
  );

const lookIntoNet = (desk: Desk): Promise<Comparison> =>
  withSafetyNet(desk.project, desk.topicPrefix, (net) => compare(net, desk.reader, { limit: 10_000, withData: true }), {
    idleMs: 200,
  });

describe("what ops ask for", () => {
  let dev: Dev;
  let pubsub: PubSub;
  const publish = (table: string, ...events: readonly object[]): Promise<string> =>
    pubsub.topic(`agent-logs.${table}`).publishMessage({
      data: Buffer.from(events.map((event) => JSON.stringify(event)).join("\n")),
      attributes: { format: "ndjson" },
    });
  const conversation = (n: string, more: object): object => ({
    conversation_id: n,
    business_id: "acme",
    agent_position: "CFO",
    started_at: "2026-01-31T09:30:00Z",
    ...more,
  });

  before(async () => {
    dev = new Dev(folder, []);
    await dev.running();
    await openWarehouse(data);
    pubsub = pubSubClient("indelible-local");
  });
  after(async () => {
    await pubsub?.close();
    dev?.process.kill("SIGTERM");
    await dev?.ended();
    folder[Symbol.dispose]();
  });

  it("three commands from 'the count went up' to 'replayed and accepted', each printed by the one before", async () => {
    const listed = await shell("indelible dlq list --table thinking_logs");
    assert.match(listed.out, /^g-[0-9a-f]{8} +1 +thinking_logs +ERR_INVALID_EVENT /m);
    const shown = await paste(folder.path, nextOf(listed));
    assert.match(shown.out, /^ +1 +harbor-tea +CMO +sample-CMO-/m, "it says where it comes from");

    const template = nextOf(shown);
    const unfinished = await paste(folder.path, `${template} --yes`);
    assert.equal(unfinished.exitCode, 1);
    assert.match(unfinished.errors, /ERR_PATCH: the patch still has FILL_IN in it/);

    const replayed = await paste(folder.path, `${template.replace("FILL_IN", "1")} --yes`);
    assert.equal(replayed.exitCode, 0, replayed.errors);
    assert.match(replayed.out, /^Replayed 1: 1 arrived, 0 failed again, 0 not yet arrived\n/);
    assert.doesNotMatch(replayed.out, /^Next: /m, "nothing is left to do");
    assert.deepEqual(
      await query(
        "SELECT COUNT(*) AS n FROM thinking_logs_history WHERE confidence_level = 1 AND NOT conflict AND publisher_id LIKE 'sample-CMO-%'",
      ),
      [{ n: 1 }],
    );
    assert.deepEqual(await groupsOf("thinking_logs"), []);
  });

  it("the fix is named where it is obvious, and what an agent has logged is nothing but text to the shell", async () => {
    const field = `mood'; touch ${join(folder.path, "touched")}; echo '$(touch ${join(folder.path, "touched")})`;
    await publish("conversations", conversation("hostile", { [field]: 1 }));
    await openIn("conversations", 1);
    const shown = await paste(folder.path, nextOf(await shell("indelible dlq list --table conversations")));
    const replayed = await paste(folder.path, `${nextOf(shown)} --yes`);
    assert.equal(replayed.exitCode, 0, replayed.errors);
    assert.equal(existsSync(join(folder.path, "touched")), false);
    assert.deepEqual(await query("SELECT COUNT(*) AS n FROM conversations WHERE conversation_id = 'hostile'"), [
      { n: 1 },
    ]);
  });

  it("2,000 failures are three errors: they are listed, replayed and discarded by groups", async () => {
    const kinds: readonly ((n: number) => object)[] = [
      (n) => ({ ...conversation(`c${n}`, {}), [`field_${n}`]: 1 }),
      (n) => ({ ...conversation(`c${n}`, {}), cost_usd: `${n} dollars` }),
      (n) => ({ conversation_id: `c${n}`, agent_position: "CFO", started_at: "2026-01-31T09:30:00Z" }),
    ];
    await publish("conversations", ...Array.from({ length: 2000 }, (_, n) => kinds[n % 3]?.(n) ?? {}));
    const groups = await openIn("conversations", 2000);
    assert.deepEqual(groups.map(({ count, reason }) => [count, reason]).toSorted(), [
      [666, "ERR_INVALID_EVENT"],
      [667, "ERR_INVALID_EVENT"],
      [667, "ERR_UNKNOWN_FIELD"],
    ]);
    const unknown = groups.find(({ reason }) => reason === "ERR_UNKNOWN_FIELD") ?? assert.fail();
    const lacking = groups.find(({ count }) => count === 666) ?? assert.fail();
    await work(async (desk) => {
      const ofGroup = await chosen(desk, [groupIdOf(unknown).slice(0, 7)]);
      assert.equal(await discardLetters(desk, ofGroup, reviewer(), signal), 667);
      const patch: Patch = [{ op: "add", path: "/business_id", value: "acme" }];
      const { outcome } = await replay(desk, await chosen(desk, [groupIdOf(lacking)]), patch);
      assert.equal(outcome.arrived, 666);
    });
    assert.deepEqual(
      (await groupsOf("conversations")).map(({ count }) => count),
      [667],
    );
  });

  it("what a bulk job did and what of it failed can be seen when the terminal is closed", async () => {
    const [group = assert.fail()] = await groupsOf("conversations");
    const own = reviewer("ops@night");
    const id = jobIdOf(own.run.publisherId);
    await work(async (desk) => {
      const patch: Patch = [{ op: "replace", path: "/cost_usd", value: -1 }];
      const three = await chosen(desk, [groupIdOf(group)], "open", 3);
      const { outcome } = await replay(desk, three, patch, { force: true, reviewer: own });
      assert.equal(outcome.failedLetters, 3, "they have failed again");
      const [job = assert.fail()] = await readJobs(desk.reader, { limit: 1 });
      assert.ok(hasOutcome(job));
      assert.deepEqual(
        [job.reviewer, job.letters, job.states["failed-again"], job.failures.length],
        ["ops@night", 3, 3, 3],
      );
    });
    const shown = await shell(`indelible dlq jobs ${id}`);
    assert.match(shown.out, /^outcome +3 failed again$/m);
    assert.match(shown.out, /cost_usd must be >= 0/);
    const failedGroup = /^indelible dlq show (g-[0-9a-f]{8})/.exec(nextOf(shown))?.[1];
    const failed = (await groupsOf("conversations")).find(({ pattern }) => pattern === "cost_usd must be >= <n>");
    assert.equal(failedGroup, groupIdOf(failed ?? assert.fail()));
    const numbered = await query(
      "SELECT MAX(seq) AS last, COUNT(*) AS n FROM dead_letter_reviews WHERE reviewer = 'ops@night' GROUP BY publisher_id",
    );
    assert.deepEqual(numbered, [{ last: 3, n: 3 }], "a review that is missing would be a gap");
  });

  it("the state of a review is the only thing that a discard changes, and it can be undone", async () => {
    const { letter } = await work(async (desk) => {
      const [one = assert.fail()] = await chosen(desk, [], "discarded", 1);
      const field = /field_\d+/.exec(one.letter.detail)?.[0] ?? assert.fail();
      const { outcome } = await replay(desk, [one], [{ op: "remove", path: `/${field}` }]);
      assert.equal(outcome.arrived, 1);
      return one;
    });
    assert.deepEqual(await query(`SELECT COUNT(*) AS n FROM conversations_history WHERE log_id = '${letter.logId}'`), [
      { n: 1 },
    ]);
  });

  it("what only the safety net has, because the function could not write it, is found and comes back under the same ID", async () => {
    const subscription = pubsub.subscription("agent-logs.dead-letter.function");
    const [{ pushConfig }] = await subscription.getMetadata();
    const pushEndpoint = pushConfig?.pushEndpoint ?? assert.fail();
    const before = await work(lookIntoNet);
    assert.deepEqual([before.ending, before.missing], ["all", []], "so far each has a row");
    await subscription.modifyPushConfig({ pushEndpoint: new URL("/nobody-is-here", pushEndpoint).href });
    await publish("escalation_logs", { mood: "lost" });
    await until(
      () => work(lookIntoNet),
      ({ missing }) => missing.length === 1,
    );
    const found = await shell("indelible dlq safety-net");
    assert.equal(found.exitCode, 1);
    assert.match(found.out, /escalation_logs +ERR_/);
    const restored = await paste(folder.path, `${nextOf(found)} --yes`);
    assert.equal(restored.exitCode, 0, restored.errors);
    await work(async (desk) => {
      const { looked, missing } = await lookIntoNet(desk);
      assert.deepEqual([looked, missing.length], [before.looked + 2, 1], "restored it is in there twice, and is one");
    });
    // The function's subscription forgets it, as it does after a week; the safety net does not.
    await subscription.seek(new Date(Date.now() + 3_600_000));
    await subscription.modifyPushConfig({ pushEndpoint });
    assert.deepEqual(await groupsOf("escalation_logs"), []);
    await work(async (desk) => {
      const { missing } = await lookIntoNet(desk);
      for (let again = 0; again < 2; again += 1) await restore(desk, missing.filter(isRestorable));
    });
    await openIn("escalation_logs", 1);
    assert.deepEqual((await work(lookIntoNet)).missing, []);
    assert.equal((await groupsOf("escalation_logs"))[0]?.count, 1, "published twice, it is one");
  });
});
