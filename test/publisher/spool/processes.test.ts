/** What processes do to each other over one directory, with real processes and real deaths. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { Spool, type Segment } from "@indelible/publisher/spool/spool.ts";
import { filesIn, temporaryFolder } from "./folder.ts";
import { record } from "./records.ts";

interface Agent {
  readonly pid: number;
  /** Everything that it has printed so far. */
  readonly lines: readonly string[];
  /** Resolves when it has printed `line`. */
  said(line: string): Promise<void>;
  /** Lets it go on. */
  go(): void;
  /** kill -9; resolves when it is dead. */
  kill(): Promise<void>;
  /** Resolves when it has ended by itself, and all that it printed is there. */
  ended(): Promise<void>;
}

function start(context: TestContext, directory: string, task: string): Agent {
  const path = fileURLToPath(new URL("agent.ts", import.meta.url));
  const child = spawn(process.execPath, [path, directory, task], { stdio: ["pipe", "pipe", "inherit"] });
  const closed = once(child, "close");
  context.after(() => child.kill("SIGKILL"));
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on("line", (line) => lines.push(line));
  return {
    pid: child.pid!,
    lines,
    said: async (line) => {
      while (!lines.includes(line))
        await Promise.race([once(reader, "line"), closed.then(() => assert.ok(lines.includes(line)))]);
    },
    go: () => {
      child.stdin.write("\n");
    },
    kill: async () => {
      child.kill("SIGKILL");
      await closed;
    },
    ended: async () => {
      assert.deepEqual(await closed, [0, null]);
    },
  };
}

const fail = (error: Error): never => assert.fail(error);

async function eventsOf(segments: readonly Segment[]): Promise<string[]> {
  const read = await Promise.all(segments.map((segment) => segment.read()));
  return read.flatMap((bytes) => readRecords(bytes).events);
}

/** Leaves `folders` folders of two segments each; gives their events. */
function leave(directory: string, folders: number): string[] {
  const events: string[] = [];
  for (let folder = 0; folder < folders; folder += 1) {
    const spool = Spool.open({ directory });
    for (const table of ["conversations", "thinking_logs"] as const) {
      events.push(`"${folder} ${table}"`);
      spool.createSegment(table).append(record(events.at(-1)!), 1);
    }
    spool.close();
  }
  return events;
}

for (const count of [2, 5]) {
  test(`adopt() - ${count} processes that adopt at once get every event exactly once, and leave no folder`, async (context) => {
    const directory = temporaryFolder(context);
    const events = leave(directory, 105);
    const agents = Array.from({ length: count }, () => start(context, directory, "adopt"));
    await Promise.all(agents.map((agent) => agent.said("ready")));
    for (const agent of agents) agent.go();
    await Promise.all(agents.map((agent) => agent.ended()));
    const adopted = agents.flatMap(({ lines }) => lines.filter((line) => line !== "ready"));
    assert.deepEqual(adopted.sort(), events.sort());
    assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
  });

  test(`adopt() - ${count} processes that adopt one folder at once: exactly one of them gets it`, async (context) => {
    const directory = temporaryFolder(context);
    const agents = Array.from({ length: count }, () => start(context, directory, "hold"));
    await Promise.all(agents.map((agent) => agent.said("ready")));
    const events = leave(directory, 1);
    for (const agent of agents) agent.go();
    await Promise.all(agents.map((agent) => agent.said("holding")));
    const adopted = agents.map(({ lines }) => lines.filter((line) => line.startsWith('"')));
    assert.deepEqual(adopted.sort().at(-1), events);
    assert.equal(adopted.flat().length, events.length);
    for (const agent of agents) agent.go();
    await Promise.all(agents.map((agent) => agent.ended()));
  });
}

test("adopt() - five processes that open, adopt and close all the time lose and double nothing", async (context) => {
  const directory = temporaryFolder(context);
  const agents = Array.from({ length: 5 }, () => start(context, directory, "churn"));
  await Promise.all(agents.map((agent) => agent.said("ready")));
  for (const agent of agents) agent.go();
  await Promise.all(agents.map((agent) => agent.ended()));
  const spool = Spool.open({ directory });
  const left = await spool.adopt(fail);
  const adopted = [
    ...agents.flatMap(({ lines }) => lines.filter((line) => line.startsWith('"'))),
    ...(await eventsOf(left)),
  ];
  const logged = agents.flatMap(({ pid }) => Array.from({ length: 40 }, (_, life) => `"${pid} ${life}"`));
  assert.deepEqual(adopted.sort(), logged.sort());
  for (const segment of left) await segment.remove();
  spool.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});

test("kill -9 - a live owner's folder is not touched, though its event loop is blocked; a dead one's is adopted whole", async (context) => {
  const directory = temporaryFolder(context);
  const owner = start(context, directory, "own");
  await owner.said("owning");
  const spool = Spool.open({ directory });
  const before = filesIn(directory);
  assert.deepEqual(await spool.adopt(fail), []);
  assert.deepEqual(filesIn(directory), before);
  assert.equal(before.filter((path) => path.endsWith(".seg")).length, 3);

  await owner.kill();
  const segments = await spool.adopt(fail);
  assert.deepEqual(await eventsOf(segments), ["1", "2", "3"]);
  spool.close();
});

test("kill -9 - what an adopter had not removed when it was killed is the next one's", async (context) => {
  const directory = temporaryFolder(context);
  const owner = start(context, directory, "own");
  await owner.said("owning");
  await owner.kill();
  const adopter = start(context, directory, "remove-one");
  await adopter.said("removed");
  const spool = Spool.open({ directory });
  assert.deepEqual(await spool.adopt(fail), []);
  await adopter.kill();
  assert.deepEqual(await eventsOf(await spool.adopt(fail)), ["2", "3"]);
  spool.close();
});

test("kill -9 - an adopter that was killed while it counted has claimed nothing", async (context) => {
  const directory = temporaryFolder(context);
  const events = leave(directory, 1);
  const adopter = start(context, directory, "adopt-half");
  await adopter.said("stuck");
  const spool = Spool.open({ directory });
  assert.deepEqual(await spool.adopt(fail), []);
  await adopter.kill();
  const segments = await spool.adopt(fail);
  assert.deepEqual(await eventsOf(segments), events);
  for (const segment of segments) await segment.remove();
  spool.close();
  assert.deepEqual(readdirSync(directory), ["quarantine", "rejected"]);
});
