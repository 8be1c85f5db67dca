import type { BigQuery } from "@google-cloud/bigquery";
import type { PubSub } from "@google-cloud/pubsub";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Datasets } from "@indelible/schemas/names.ts";
import { bigQueryClient, projectOf, pubSubClient } from "../clients.ts";
import { isClaimed } from "../dev/data-folder.ts";
import { datasetsOf, findEnvironment, namesServices, readEnvironment, topicPrefixOf } from "../environment.ts";
import { messageOf } from "../terminal/failure.ts";
import { roleToken } from "../role-token.ts";
import type { Finding } from "./check.ts";
import { answers, commandOn, findingsOfSurroundings, restartOf } from "./surroundings.ts";

/** Services that answer, and whom they are asked as. */
export interface Installation {
  /** The data folder, as it was given. */
  readonly data: string;
  readonly project: string;
  /** Whether the services are those of one machine. */
  readonly local: boolean;
  readonly topicPrefix: string;
  readonly datasets: Datasets;
  readonly pubsub: PubSub;
  /** With the rights of an auditor on one machine: sees tables, changes nothing. In the cloud both are whoever asks. */
  readonly auditor: BigQuery;
  readonly reader: BigQuery;
  /** On one machine, what creates or sets whatever is not as it is declared. */
  readonly restart: string;
}

/** What was found on the way to an installation; undefined when there is none to look at. */
export interface Approach {
  readonly findings: readonly Finding[];
  readonly installation: Installation | undefined;
}

const connectDeadlineMs = 2000;
const credentialsDeadlineMs = 8000;

/** Finds the services as every other command does (see environment.ts), and whether they are there. @throws ERR_CONFIG a file in the data folder is not ours */
export async function approach(data: string): Promise<Approach> {
  const variables = { ...process.env };
  const running = isClaimed(data);
  const written = readEnvironment(data);
  const findings = [...findingsOfSurroundings({ data, variables, written, running })];
  const isNamed = namesServices(variables);
  // One that was killed has left its file, and no command asks anything; the findings say so.
  if (written !== undefined && !running && !isNamed) return { findings, installation: undefined };
  const { project: named, local } = findEnvironment(data);
  if (!local) return inCloud(data, named, running, findings);

  const absent = await absentServices();
  for (const [name, address] of absent) {
    const finding = `${name} does not answer at ${address}.`;
    findings.push({ status: "problem", finding, fix: startStep(data, running, isNamed) });
  }
  if (absent.length > 0 || named === undefined) return { findings, installation: undefined };
  findings.push({ status: "ok", finding: `Broker and warehouse of this machine answer, project ${named}.` });
  return { findings, installation: open(data, named, true) };
}

/** A project of Google Cloud, by the credentials that are there. */
async function inCloud(
  data: string,
  named: string | undefined,
  running: boolean,
  before: readonly Finding[],
): Promise<Approach> {
  if (running) {
    const finding = `An \`indelible dev\` is starting on ${data}, or stopping.`;
    const fix = `Ask again when it says that it is running: ${commandOn(data, "doctor")}`;
    return { findings: [...before, { status: "problem", finding, fix }], installation: undefined };
  }
  try {
    const project = await withinDeadline(projectOf(bigQueryClient(named, false), named, false));
    const finding = `Google Cloud, project ${project}.`;
    return { findings: [...before, { status: "ok", finding }], installation: open(data, project, false) };
  } catch (error) {
    if (before.some(({ status }) => status === "problem")) return { findings: before, installation: undefined };
    const finding = `${messageOf(error)}.`.replace(/^./, (letter) => letter.toUpperCase());
    const fix = IndelibleError.is(error) ? error.hint : commandOn(data, "dev");
    return { findings: [...before, { status: "problem", finding, fix }], installation: undefined };
  }
}

function withinDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer")), credentialsDeadlineMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function open(data: string, project: string, local: boolean): Installation {
  const as = (role: "auditor" | "reader"): BigQuery =>
    bigQueryClient(project, local, local ? roleToken(data, role) : undefined);
  return {
    data,
    project,
    local,
    topicPrefix: topicPrefixOf(local),
    datasets: datasetsOf(local),
    pubsub: pubSubClient(project),
    auditor: as("auditor"),
    reader: as("reader"),
    restart: restartOf(data),
  };
}

async function absentServices(): Promise<(readonly [string, string])[]> {
  const services = [
    ["The warehouse", process.env["BIGQUERY_EMULATOR_HOST"]],
    ["The broker", process.env["PUBSUB_EMULATOR_HOST"]],
    ["The warehouse's Storage API", process.env["BIGQUERY_STORAGE_HOST"]],
  ] as const;
  const asked = services.map(async ([name, address]) => {
    if (address === undefined || (await answers(address, connectDeadlineMs))) return [];
    return [[name, address] as const];
  });
  return (await Promise.all(asked)).flat();
}

/** @param isNamed whether the shell's variables name the services, and not the data folder */
function startStep(data: string, running: boolean, isNamed: boolean): string {
  const unset = "unset BIGQUERY_EMULATOR_HOST PUBSUB_EMULATOR_HOST BIGQUERY_STORAGE_HOST GOOGLE_CLOUD_PROJECT";
  if (isNamed) return running ? unset : `${unset}; ${commandOn(data, "dev")}`;
  return `\`indelible dev\` starts a service that died within seconds; if it does not: ${restartOf(data)}`;
}
