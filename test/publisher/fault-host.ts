/**
 * A host with a publisher and a broker that fails: `fault-host.ts SCENARIO [SPOOL]`. Prints what became of the events, as JSON.
 * Ends by an exception if anything throws, is rejected without a handler, or does not add up on the way.
 */
import assert from "node:assert/strict";
import { createPublisher, type Stats } from "@indelible/publisher";
import { FaultBroker } from "./fault-broker.ts";
import { downAtFirst, scenarios, type Stage } from "./fault-scenarios.ts";

export interface Outcome {
  readonly logged: number;
  readonly stats: Stats;
  /** Distinct `log_id`s that the broker has stored, and those of them that were stored more than once. */
  readonly stored: number;
  readonly storedAgain: number;
  /** Logged and not stored. */
  readonly missing: number;
  readonly ascending: boolean;
  readonly mostQueuedBytes: number;
  readonly rssGrowthMB: number;
  readonly codes: readonly string[];
}

const [name, directory] = process.argv.slice(2) as [string, string | undefined];
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

const broker = new FaultBroker();
await broker.start();
if (downAtFirst.has(name)) broker.stop();
process.env["PUBSUB_EMULATOR_HOST"] = broker.address;

const codes = new Set<string>();
const watchers = new Set<() => void>();
const clock = { offsetMs: 0 };
const log = createPublisher({
  businessId: "acme",
  agentPosition: "CFO",
  projectId: "test",
  publishDeadlineMs: 500,
  maxBatchEvents: 100,
  maxQueuedBytes: MAX_QUEUED_BYTES,
  now: () => 1_800_000_000_000 + clock.offsetMs,
  onError: ({ code }) => {
    codes.add(code);
    for (const watch of watchers) watch();
    look();
  },
  ...(directory === undefined ? {} : { spool: { directory } }),
});

const logIds: string[] = [];
let mostQueuedBytes = 0;

/** At any moment whatever, each event is in exactly one place. */
function look(): void {
  const { acknowledged, queued, inFlight, rejected, refused, adopted, queuedBytes } = log.stats();
  assert.equal(acknowledged + queued + inFlight + rejected + refused, logIds.length + adopted);
  for (const count of [acknowledged, queued, inFlight, rejected, refused]) assert.ok(count >= 0);
  mostQueuedBytes = Math.max(mostQueuedBytes, queuedBytes);
}

const stage: Stage = {
  broker,
  log,
  clock,
  logMany: (events: number): void => {
    for (let index = 0; index < events; index += 1) {
      const target = `${index}`;
      logIds.push("");
      logIds[logIds.length - 1] =
        index % 2 === 0
          ? log.action({ action_target: target, action_details: { index } })
          : log.mcpCall({ server_name: "s", tool_name: "t", result_summary: target });
    }
    look();
  },
  told: async (code: string): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = (): void => (codes.has(code) ? resolve() : undefined);
    watchers.add(watch);
    watch();
    await promise;
    watchers.delete(watch);
  },
};

/** Sends what waits, without sitting out the waits after failures, until nothing is left. */
async function drain(): Promise<void> {
  for (let waiting = 1; waiting > 0;) {
    const { spooled, outstanding } = await log.flush({ deadlineMs: 300 });
    look();
    waiting = spooled + outstanding;
  }
}

const looking = setInterval(look, 5);
const rssBefore = process.memoryUsage.rss();
await scenarios[name]!(stage);
await drain();
const rssGrowthMB = Math.round((process.memoryUsage.rss() - rssBefore) / 2 ** 20);
clearInterval(looking);
look();
await log.close();
look();
broker.stop();

const counts = [...broker.stored.values()];
const outcome: Outcome = {
  logged: logIds.length,
  stats: log.stats(),
  stored: counts.length,
  storedAgain: counts.filter((count) => count > 1).length,
  missing: logIds.filter((logId) => !broker.stored.has(logId)).length,
  ascending: logIds.every((logId, index) => index === 0 || logId > logIds[index - 1]!),
  mostQueuedBytes,
  rssGrowthMB,
  codes: [...codes],
};
console.log(JSON.stringify(outcome));
