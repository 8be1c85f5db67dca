import { runExaminations, type Area, type Check, type Examination, type Finding } from "./check.ts";
import { findingsOfDeadLetters } from "./dead-letters.ts";
import { findingsOfFunction } from "./function.ts";
import { approach, type Approach, type Installation } from "./installation.ts";
import { dataFolder, diskSpace, nodeVersion, tokens } from "./machine.ts";
import { mayAppend, mayForward, mayPublish } from "./permissions.ts";
import { findingsOfSeals } from "./seals.ts";
import { findingsOfSubscriptions, findingsOfTopics, lookAtTopics } from "./topics.ts";
import { findingsOfClock, findingsOfDatasets, findingsOfTables, findingsOfViews } from "./warehouse.ts";

/** Each examination has this long; in the cloud the first call has to find credentials and connect. */
const defaultDeadlineMs = 15_000;

/**
 * Looks at every part of the installation that the variables or the data folder name (see environment.ts), all at once, and changes nothing. Never throws: what cannot be
 * found out is `unknown`, with the reason.
 *
 * @param deadlineMs of each examination. Default: 15 s
 */
export async function examine(data: string, deadlineMs: number = defaultDeadlineMs): Promise<readonly Check[]> {
  let approached: Approach = { findings: [], installation: undefined };
  const stack = await runExaminations(
    [
      {
        id: "stack",
        area: "stack",
        async look() {
          approached = await approach(data);
          return approached.findings;
        },
      },
    ],
    deadlineMs,
  );
  const { installation } = approached;
  try {
    const [machine, services] = await Promise.all([
      runExaminations(ofMachine(data), deadlineMs),
      runExaminations(installation === undefined ? skipped() : ofServices(installation), deadlineMs),
    ]);
    return [...machine, ...stack, ...services];
  } finally {
    // Not awaited: one that does not answer does not end either.
    void installation?.pubsub.close().catch(() => undefined);
  }
}

function ofMachine(data: string): Examination[] {
  const one = (id: string, look: () => Finding): Examination => ({
    id: `machine.${id}`,
    area: "machine",
    look: () => new Promise((resolve) => resolve([look()])),
  });
  return [
    one("node", () => nodeVersion(process.versions.node)),
    one("data-folder", () => dataFolder(data)),
    one("disk", () => diskSpace(data)),
    one("tokens", () => tokens(data)),
  ];
}

function ofServices(installation: Installation): Examination[] {
  // Several look at what was asked for once.
  const topics = lookAtTopics(installation);
  topics.catch(() => undefined);
  const one = (id: string, area: Area, look: () => Promise<readonly Finding[]>): Examination => ({ id, area, look });
  return [
    one("pubsub.topics", "pubsub", async () => findingsOfTopics(await topics, installation)),
    one("pubsub.subscriptions", "pubsub", async () => findingsOfSubscriptions(await topics, installation)),
    one("pubsub.publish", "pubsub", () => mayPublish(installation)),
    one("pubsub.forward", "pubsub", () => mayForward(installation)),
    one("function.health", "function", async () => findingsOfFunction(await topics, installation)),
    one("warehouse.datasets", "warehouse", () => findingsOfDatasets(installation)),
    one("warehouse.tables", "warehouse", () => findingsOfTables(installation)),
    one("warehouse.views", "warehouse", () => findingsOfViews(installation)),
    one("warehouse.append", "warehouse", () => Promise.resolve(mayAppend(installation))),
    one("warehouse.clock", "warehouse", () => findingsOfClock(installation)),
    one("seals.age", "seals", () => findingsOfSeals(installation)),
    one("dead-letters.age", "dead letters", () => findingsOfDeadLetters(installation)),
  ];
}

function skipped(): Examination[] {
  const all: readonly Area[] = ["pubsub", "function", "warehouse", "seals", "dead letters"];
  return all.map((area) => ({
    id: area.replace(" ", "-"),
    area,
    look: () => Promise.resolve([{ status: "skipped", finding: "There is nothing to ask: see above." }]),
  }));
}
