import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PubSub } from "@google-cloud/pubsub";
import { pubSubClient } from "../../cli/clients.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { DataFolder, Dev } from "./dev.ts";
import { nextOf, paste, startCli, type Ended } from "./dlq-cli.ts";

const folder = new DataFolder();
// Where `indelible dev` keeps its data unless told otherwise: so do the commands that are pasted.
const data = join(folder.path, "data");
const shell = (line: string): Promise<Ended> => paste(folder.path, `${line} --data data`);

async function json<T>(...args: readonly string[]): Promise<T> {
  const { out, errors } = await startCli(data, args).ended;
  if (out === "") throw new Error(errors);
  return JSON.parse(out) as T;
}

interface ListedGroup {
  readonly id: string;
  readonly table: string;
  readonly reason: string;
  readonly count: number;
}
interface ListedLetter {
  readonly id: string;
  readonly logId: string;
  readonly group: string;
}
interface ListedJob {
  readonly id: string;
  readonly reviewer: string;
  readonly letters: number;
  readonly states: { readonly [state: string]: number };
  readonly failures: readonly { readonly detail: string }[];
  readonly next?: string;
}

const list = (...args: string[]): Promise<ListedGroup[]> => json("dlq", "list", ...args);
const query = (sql: string): Promise<{ [column: string]: unknown }[]> => json("query", sql);

async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
  }
}

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
  const openIn = (table: string, count: number): Promise<ListedGroup[]> =>
    until(
      () => list("--table", table),
      (groups) => groups.reduce((sum, group) => sum + group.count, 0) === count,
    );

  before(async () => {
    dev = new Dev(folder, []);
    await dev.running();
    applyEnvironment(JSON.parse(readFileSync(join(data, "env.json"), "utf8")) as Environment);
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
    assert.deepEqual(await list("--table", "thinking_logs"), []);
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
    const [smallest] = groups.toSorted((a, b) => a.count - b.count);
    const lacking = smallest?.id ?? assert.fail();

    const rehearsed = await json<object>("dlq", "discard", unknown.id, "--dry-run");
    assert.deepEqual({ ...rehearsed, groups: undefined }, { dryRun: true, chosen: 667, groups: undefined });
    assert.equal((await list("--group", unknown.id))[0]?.count, 667, "a dry run changes nothing");
    const unconfirmed = await startCli(data, ["dlq", "discard", unknown.id]).ended;
    assert.match(unconfirmed.errors, /ERR_UNCONFIRMED/);

    const discarded = await json<{ discarded: number; job: string }>("dlq", "discard", unknown.id.slice(0, 7), "--yes");
    assert.equal(discarded.discarded, 667);
    const patch = '[{"op":"add","path":"/business_id","value":"acme"}]';
    const replayed = await startCli(data, ["dlq", "replay", lacking, "--edit", patch, "--rate", "5000", "--yes"]).ended;
    assert.equal(replayed.exitCode, 0, replayed.errors);
    assert.deepEqual(
      (await list("--table", "conversations")).map(({ count }) => count),
      [667],
    );
    assert.deepEqual(await list("--table", "conversations", "--group", lacking), []);
  });

  it("what a bulk job did and what of it failed can be seen when the terminal is closed", async () => {
    const [group] = await list("--table", "conversations");
    const patch = '[{"op":"replace","path":"/cost_usd","value":-1}]';
    const forced = ["--edit", patch, "--force", "--limit", "3", "--reviewer", "ops@desk", "--yes"];
    const replayed = await startCli(data, ["dlq", "replay", group?.id ?? "", ...forced]).ended;
    assert.equal(replayed.exitCode, 1, "they have failed again");
    const [job] = await json<ListedJob[]>("dlq", "jobs", "--limit", "1");
    assert.deepEqual(
      [job?.reviewer, job?.letters, job?.states["failed-again"], job?.failures.length],
      ["ops@desk", 3, 3, 3],
    );
    assert.match(job?.next ?? "", /^indelible dlq show g-[0-9a-f]{8} --data /);
    const failed = await json<ListedLetter[]>(
      "dlq",
      "list",
      "--all",
      "--job",
      job?.id ?? "",
      "--state",
      "failed-again",
    );
    assert.equal(failed.length, 3);

    const shown = await shell(`indelible dlq jobs ${job?.id}`);
    assert.match(shown.out, /^outcome +3 failed again$/m);
    assert.match(shown.out, /cost_usd must be >= 0/);
    const onward = await paste(folder.path, nextOf(shown));
    assert.match(onward.out, /^pattern +cost_usd must be >= <n>$/m);
    const numbered = await query(
      "SELECT MAX(seq) AS last, COUNT(*) AS n FROM dead_letter_reviews WHERE reviewer = 'ops@desk' GROUP BY publisher_id",
    );
    assert.deepEqual(numbered, [{ last: 3, n: 3 }], "a review that is missing would be a gap");
  });

  it("the state of a review is the only thing that a discard changes, and it can be undone", async () => {
    const [letter] = await json<ListedLetter[]>("dlq", "list", "--all", "--state", "discarded", "--limit", "1");
    const remove = nextOf(
      await shell(`indelible dlq show ${letter?.group}`).then((shown) => ({
        ...shown,
        out: shown.out.includes("Next: ") ? shown.out : `Next: indelible dlq show ${letter?.id}`,
      })),
    );
    assert.match(remove, /dlq show/, "nothing is open in this group, so nothing is to be done about it");
    const field = /field_\d+/.exec((await shell(`indelible dlq show ${letter?.id}`)).out)?.[0] ?? assert.fail();
    const patch = `[{"op":"remove","path":"/${field}"}]`;
    const replayed = await startCli(data, ["dlq", "replay", letter?.id ?? "", "--edit", patch, "--yes"]).ended;
    assert.equal(replayed.exitCode, 0, replayed.errors);
    const [job] = await json<ListedJob[]>("dlq", "jobs", "--limit", "1");
    assert.equal(job?.states["replayed"], 1);
    assert.deepEqual(await query(`SELECT COUNT(*) AS n FROM conversations_history WHERE log_id = '${letter?.logId}'`), [
      { n: 1 },
    ]);
  });

  it("what only the safety net has, because the function could not write it, is found and comes back under the same ID", async () => {
    const subscription = pubsub.subscription("agent-logs.dead-letter.function");
    const [{ pushConfig }] = await subscription.getMetadata();
    const pushEndpoint = pushConfig?.pushEndpoint ?? assert.fail();
    assert.equal((await shell("indelible dlq safety-net")).exitCode, 0, "so far each has a row");
    await subscription.modifyPushConfig({ pushEndpoint: new URL("/nobody-is-here", pushEndpoint).href });
    await publish("escalation_logs", { mood: "lost" });
    const found = await until(
      () => shell("indelible dlq safety-net"),
      ({ exitCode }) => exitCode === 1,
    );
    assert.match(found.out, /escalation_logs +ERR_/);
    // The function's subscription forgets it, as it does after a week; the safety net does not.
    await subscription.seek(new Date(Date.now() + 3_600_000));
    await subscription.modifyPushConfig({ pushEndpoint });
    assert.deepEqual(await list("--table", "escalation_logs"), []);
    for (let again = 0; again < 2; again += 1) {
      const { exitCode, errors } = await paste(folder.path, `${nextOf(found)} --yes`);
      assert.equal(exitCode, 0, errors);
    }
    await openIn("escalation_logs", 1);
    assert.equal((await shell("indelible dlq safety-net")).exitCode, 0);
    assert.equal((await list("--table", "escalation_logs"))[0]?.count, 1, "published twice, it is one");
  });

  for (const [args, message] of [
    [["list", "--since", "nonsense"], /--since <time>.*30m, 2h or 7d/],
    [["list", "--group", "nonsense"], /--group <id>.*dlq list/],
    [["show", "%"], /g-3fa91c2b/],
    [["replay", "g-xyz", "--yes"], /g-3fa91c2b/],
    [["jobs", "nonsense"], /dlq jobs/],
    [["discard", "--limit", "0"], /above 0/],
  ] as const) {
    it(`wrong usage ends with 2 and says what is right: dlq ${args.join(" ")}`, async () => {
      const { exitCode, out, errors } = await startCli(data, ["dlq", ...args]).ended;
      assert.deepEqual([exitCode, out], [2, ""]);
      assert.match(errors, message);
    });
  }

  it("what is not there ends with 1 and says where to look", async () => {
    for (const name of ["g-00000000", "00000000"]) {
      const { exitCode, errors } = await startCli(data, ["dlq", "show", name]).ended;
      assert.equal(exitCode, 1);
      assert.match(errors, /ERR_NOT_FOUND.*\n.*dlq list/);
    }
  });
});
