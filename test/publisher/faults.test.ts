/** Whatever Pub/Sub and the clock do, nothing is thrown at the host and no event is lost: each case is a process of its own. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Outcome } from "./fault-host.ts";
import { scenarios } from "./fault-scenarios.ts";
import { filesIn, temporaryFolder } from "./spool/folder.ts";

const run = promisify(execFile);
const host = fileURLToPath(new URL("fault-host.ts", import.meta.url));

async function play(scenario: string, directory?: string): Promise<Outcome> {
  const { stdout, stderr } = await run(
    process.execPath,
    [host, scenario, ...(directory === undefined ? [] : [directory])],
    {
      env: { PATH: process.env["PATH"], HOME: "/nowhere", METADATA_SERVER_DETECTION: "none" },
      timeout: 60_000,
    },
  );
  assert.equal(stderr, "");
  return JSON.parse(stdout) as Outcome;
}

/** Without a spool, memory is all that there is; these log more than that at once. */
const mayRefuse: ReadonlySet<string> = new Set(["one-tick", "busy-host"]);

/** Two processes at a time: each has two threads. */
describe(
  "Publisher - accounts for every event, and everything that it did not refuse arrives",
  { concurrency: 2 },
  () => {
    for (const name of Object.keys(scenarios)) {
      for (const hasSpool of [false, true]) {
        test(`${name}, ${hasSpool ? "with" : "without"} a spool`, async (context) => {
          const directory = hasSpool ? temporaryFolder(context) : undefined;
          const { logged, stats, stored, missing, storedAgain, ascending, mostQueuedBytes, rssGrowthMB, codes } =
            await play(name, directory);
          context.diagnostic(
            `RSS grew by ${rssGrowthMB} MB; ${storedAgain} of ${logged} stored again; ${codes.join()}`,
          );
          const { acknowledged, queued, inFlight, rejected, refused, queuedBytes, spooledBytes } = stats;
          if (hasSpool || !mayRefuse.has(name)) assert.equal(refused, 0);
          assert.deepEqual(
            { queued, inFlight, rejected, queuedBytes, spooledBytes },
            {
              queued: 0,
              inFlight: 0,
              rejected: 0,
              queuedBytes: 0,
              spooledBytes: 0,
            },
          );
          assert.equal(acknowledged + refused, logged);
          assert.equal(stored, acknowledged);
          assert.equal(missing, refused);
          assert.ok(ascending);
          assert.ok(mostQueuedBytes <= 64 * 1024 * 1024);
          if (directory !== undefined) assert.deepEqual(filesIn(directory), []);
        });
      }
    }
  },
);
