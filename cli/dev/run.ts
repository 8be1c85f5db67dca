import { once } from "node:events";
import { styleText } from "node:util";
import { bigQueryClient, pubSubClient } from "../clients.ts";
import { shellWord } from "../terminal/shell-word.ts";
import { deliver } from "../delivery.ts";
import { nextSteps, reportText, section } from "../delivery/text.ts";
import {
  applyEnvironment,
  askNoMetadataServer,
  datasetsOf,
  DEFAULT_DATA_FOLDER,
  exportLines,
  removeEnvironment,
  topicPrefixOf,
  writeEnvironment,
  type Environment,
} from "../environment.ts";
import { importOptionsOf, type ImportFlags } from "../import/options.ts";
import { transcriptEntries } from "../import/source.ts";
import { Tally } from "../import/tally.ts";
import { tallyText } from "../import/text.ts";
import { retry, type Patience } from "../retry.ts";
import { sampleDay, sampleNotes } from "../sample/day.ts";
import { printable, truncate } from "../terminal/cell.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { provideAccess, type Access } from "./access.ts";
import { claimDataFolder } from "./data-folder.ts";
import { provisionTopics, provisionWarehouse } from "./provision.ts";
import { startStack, type Stack } from "./stack.ts";
import { claimUsualPorts } from "./usual-ports.ts";

export interface DevFlags extends ImportFlags {
  readonly once?: true;
  readonly import?: readonly string[];
  readonly data: string;
  readonly project: string;
  readonly json?: true;
}

/** Each step of provisioning is tried again for this long while a service is being restarted. */
const provisionDeadlineMs = 30_000;

/** @returns the exit code: 0 when everything has arrived */
export async function runDev(flags: DevFlags): Promise<number> {
  // Before anything is started: what is wrong with the options is known now.
  const importOptions = importOptionsOf(flags);
  askNoMetadataServer();
  using folder = claimDataFolder(flags.data);
  using usualPorts = claimUsualPorts();
  const access = provideAccess(folder.path);
  if (usualPorts.refusal !== undefined) say(`Using free ports instead of the usual ones: ${usualPorts.refusal}`);
  let stack: Stack | undefined;
  using interrupted = interruption(() => stack?.kill());
  const { signal } = interrupted;
  try {
    stack = await startStack(
      { project: flags.project, dataFolder: folder.path, access, usualPorts, onLine: say },
      signal,
    );
    const { environment, functionOrigin } = stack;
    applyEnvironment(environment);
    await provision(flags.project, access, functionOrigin, signal);
    writeEnvironment(folder.path, environment);
    introduce(environment, folder.path);

    const tally = flags.import === undefined ? undefined : new Tally();
    const entries =
      tally === undefined ? sampleDay(today()) : transcriptEntries(flags.import ?? [], importOptions, tally);
    const report = await deliver(entries, {
      project: flags.project,
      local: true,
      datasets: datasetsOf(true),
      topicPrefix: topicPrefixOf(true),
      alone: true,
      signal,
    });
    if (flags.json === true) {
      process.stdout.write(jsonText({ ...report, ...(tally !== undefined && { import: tally }) }, 0));
    } else {
      if (tally !== undefined) process.stdout.write(`${section("What was imported", tallyText(tally))}\n`);
      process.stdout.write(`${reportText(report, tally === undefined ? sampleNotes : [])}\n`);
    }
    if (flags.once === true) {
      process.stderr.write("Start without --once to ask the log questions.\n");
    } else {
      stayingUp(flags);
      if (!signal.aborted) await once(signal, "abort");
    }
    return report.complete ? 0 : 1;
  } catch (error) {
    if (signal.aborted) return interruptedExitCode;
    throw error;
  } finally {
    removeEnvironment(folder.path);
    if (stack !== undefined) await stack.stop();
  }
}

const interruptedExitCode = 130;

async function provision(project: string, access: Access, functionOrigin: string, signal: AbortSignal): Promise<void> {
  const patience: Patience = { deadlineMs: provisionDeadlineMs, signal };
  const pubsub = pubSubClient(project);
  try {
    await Promise.all([
      retry("the broker", patience, () => provisionTopics(pubsub, functionOrigin)),
      retry("the warehouse", patience, () => provisionWarehouse(bigQueryClient(project, true, access.token("admin")))),
    ]);
  } finally {
    await pubsub.close();
  }
}

function introduce(environment: Environment, dataFolder: string): void {
  process.stderr.write(
    `\nTo reach these services from another shell:\n\n${exportLines(environment)}\nData is kept in ${dataFolder}\n\n`,
  );
}

function stayingUp(flags: DevFlags): void {
  const data = flags.data === DEFAULT_DATA_FOLDER ? "" : ` --data ${shellWord(flags.data)}`;
  const steps = nextSteps.replaceAll(
    /indelible (?:tail|cost|query|dlq list|access|verify)/g,
    (command) => `${command}${data}`,
  );
  process.stderr.write(`${section("Try next, in another shell", steps, process.stderr)}\nRunning until Ctrl-C.\n`);
}

const maxLineWidth = 240;

function say(line: string): void {
  process.stderr.write(`${styleText("dim", truncate(printable(line), maxLineWidth), { stream: process.stderr })}\n`);
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
