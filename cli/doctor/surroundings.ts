import { connect } from "node:net";
import { join } from "node:path";
import { DEFAULT_TOPIC_PREFIX, topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { DEFAULT_DATA_FOLDER, exportLines, isSet, type Environment } from "../environment.ts";
import type { Finding } from "./check.ts";
import { shellWord } from "../terminal/shell-word.ts";

/** What decides which services a command of ours asks. */
export interface Surroundings {
  readonly data: string;
  /** As the shell has them, before anything was read from the data folder. */
  readonly variables: NodeJS.ProcessEnv;
  /** What an `indelible dev` has written to the data folder. */
  readonly written: Environment | undefined;
  /** Whether an `indelible dev` has the data folder for itself at the moment. */
  readonly running: boolean;
}

const emulators = ["BIGQUERY_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "BIGQUERY_STORAGE_HOST"] as const;

/** `indelible COMMAND`, with the data folder where it is not the usual one. */
export function commandOn(data: string, command: string): string {
  return `indelible ${command}${data === DEFAULT_DATA_FOLDER ? "" : ` --data ${shellWord(data)}`}`;
}

/** How to have `indelible dev` create what is missing. */
export function restartOf(data: string): string {
  return `End \`indelible dev\` with Ctrl-C and start it again, which repairs it: ${commandOn(data, "dev")}`;
}

/** What is wrong with the variables, and with what is left in the data folder; nothing when they agree. */
export function findingsOfSurroundings({ data, variables, written, running }: Surroundings): readonly Finding[] {
  const set = emulators.filter((name) => isSet(variables, name));
  const missing = emulators.filter((name) => !isSet(variables, name));
  const unset = `unset ${[...set, ...(isSet(variables, "GOOGLE_CLOUD_PROJECT") ? ["GOOGLE_CLOUD_PROJECT"] : [])].join(" ")}`;
  const findings: Finding[] = [];
  if (set.length > 0 && missing.length > 0) {
    const fix =
      written === undefined || !running ? unset : `${unset}, or all of them:\n${exportLines(written).trimEnd()}`;
    findings.push({
      status: "problem",
      finding: `${set.join(" and ")} ${set.length === 1 ? "is" : "are"} set, and ${missing.join(" and ")} not: commands would use this machine for one half and Google Cloud for the other.`,
      fix,
    });
  }
  const elsewhere = written === undefined ? [] : set.filter((name) => !same(variables[name] ?? "", written[name]));
  if (running && written !== undefined && elsewhere.length > 0) {
    const name = elsewhere[0] ?? "BIGQUERY_EMULATOR_HOST";
    findings.push({
      status: "warning",
      finding: `${name} is ${variables[name]}, and the \`indelible dev\` of ${data} is at ${written[name]}: what follows is about the former.`,
      fix: unset,
    });
  }
  if (set.length > 0 && !isSet(variables, "GOOGLE_CLOUD_PROJECT")) {
    const project = written?.GOOGLE_CLOUD_PROJECT ?? "PROJECT";
    const finding =
      "GOOGLE_CLOUD_PROJECT is not set, and services on this machine have no credentials that would name it.";
    findings.push({ status: "problem", finding, fix: `export GOOGLE_CLOUD_PROJECT=${shellWord(project)}` });
  }
  const prefix = topicPrefixFromEnvironment(variables);
  if (running && prefix !== DEFAULT_TOPIC_PREFIX) {
    const finding = `INDELIBLE_TOPIC_PREFIX is ${prefix}, and topics of \`indelible dev\` begin with ${DEFAULT_TOPIC_PREFIX}: \`emit\` and \`dlq\` in this shell write to topics that are not there.`;
    findings.push({ status: "problem", finding, fix: "unset INDELIBLE_TOPIC_PREFIX" });
  }
  if (written !== undefined && !running && set.length === 0) {
    const finding = `${join(data, "env.json")} names services, and no \`indelible dev\` is running there: the last one was killed.`;
    findings.push({ status: "problem", finding, fix: commandOn(data, "dev") });
  }
  return findings;
}

function same(one: string, other: string): boolean {
  const bare = (text: string): string => text.replace(/^http:\/\//, "").replace(/^localhost:/, "127.0.0.1:");
  return bare(one) === bare(other);
}

/** Whether somebody listens at `host:port`, with or without `http://`. */
export function answers(address: string, deadlineMs: number): Promise<boolean> {
  const url = URL.parse(address.includes("://") ? address : `http://${address}`);
  if (url === null) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connect({ host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) });
    const settle = (listens: boolean): void => {
      socket.destroy();
      resolve(listens);
    };
    socket.setTimeout(deadlineMs, () => settle(false));
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}
