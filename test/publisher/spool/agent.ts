/**
 * A process with a spool, told what to do by its arguments: `agent.ts DIRECTORY TASK`. It prints a line for what its test
 * waits for, and waits for a line on stdin where it says "ready".
 */
import { once } from "node:events";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { nodeFiles, type Files } from "@indelible/publisher/spool/files.ts";
import { Spool, type Segment } from "@indelible/publisher/spool/spool.ts";
import { record } from "./records.ts";

const [directory, task] = process.argv.slice(2) as [string, string];

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const onProblem = (error: Error): void => {
  throw error;
};

/** Says a last line, and keeps the event loop from turning, so that nothing more happens until the process is killed. */
function sayAndBlock(line: string): Promise<never> {
  const isWoken = new Int32Array(new SharedArrayBuffer(4));
  return new Promise(() => {
    process.stdout.write(`${line}\n`, () => Atomics.wait(isWoken, 0, 0));
  });
}

async function go(): Promise<void> {
  say("ready");
  await once(process.stdin, "data");
}

async function sayEvents(segment: Segment): Promise<void> {
  for (const event of readRecords(await segment.read()).events) say(event);
}

function append(spool: Spool, event: string): void {
  spool.createSegment("conversations").append(record(event), 1);
}

const tasks: { readonly [task: string]: () => Promise<void> } = {
  /** Leaves 3 segments, and lives on with a blocked event loop. */
  own: async () => {
    const spool = Spool.open({ directory });
    for (const event of ["1", "2", "3"]) append(spool, event);
    await sayAndBlock("owning");
  },

  /** Adopts what there is until there is no more, and says and removes it. */
  adopt: async () => {
    const spool = Spool.open({ directory });
    await go();
    for (let segments = await spool.adopt(onProblem); segments.length > 0; segments = await spool.adopt(onProblem)) {
      for (const segment of segments) {
        await sayEvents(segment);
        await segment.remove();
      }
    }
    spool.close();
  },

  /** Adopts once, says what it has, and keeps it until it is told to end. */
  hold: async () => {
    const spool = Spool.open({ directory });
    await go();
    for (const segment of await spool.adopt(onProblem)) await sayEvents(segment);
    say("holding");
    await once(process.stdin, "data");
    spool.close();
  },

  /** Adopts, removes the first segment, and does no more. */
  "remove-one": async () => {
    const spool = Spool.open({ directory });
    const [first] = await spool.adopt(onProblem);
    await first!.remove();
    await sayAndBlock("removed");
  },

  /** Gets stuck while it adopts, with the lock in its hands. */
  "adopt-half": async () => {
    let opened = 0;
    const files: Files = {
      ...nodeFiles,
      open: async (path) => {
        opened += 1;
        if (opened === 2) await sayAndBlock("stuck");
        return nodeFiles.open(path);
      },
    };
    await Spool.open({ directory }, files).adopt(onProblem);
  },

  /** Lives and dies some dozens of times: logs an event each time, adopts what others left, and leaves its own. */
  churn: async () => {
    await go();
    for (let life = 0; life < 40; life += 1) {
      const spool = Spool.open({ directory });
      append(spool, `"${process.pid} ${life}"`);
      for (const segment of await spool.adopt(onProblem)) {
        await sayEvents(segment);
        await segment.remove();
      }
      spool.close();
    }
    say("end");
  },
};

await tasks[task]!();
process.exit();
