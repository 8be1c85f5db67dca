import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import {
  datasetsFromEnvironment,
  defaultDatasets,
  DEFAULT_TOPIC_PREFIX,
  topicPrefixFromEnvironment,
  type Datasets,
} from "@indelible/schemas/names.ts";
import { isClaimed } from "./dev/data-folder.ts";
import { shellWord } from "./terminal/shell-word.ts";
import { isObject, type JsonObject } from "./json.ts";

/** Where the services of one machine are, as the variables that Google's clients and ours read. */
export interface Environment {
  readonly GOOGLE_CLOUD_PROJECT: string;
  readonly PUBSUB_EMULATOR_HOST: string;
  /** For `gcloud pubsub`. */
  readonly CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB: string;
  readonly BIGQUERY_EMULATOR_HOST: string;
  readonly BIGQUERY_STORAGE_HOST: string;
}

const names = [
  "PUBSUB_EMULATOR_HOST",
  "CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB",
  "BIGQUERY_EMULATOR_HOST",
  "BIGQUERY_STORAGE_HOST",
  "GOOGLE_CLOUD_PROJECT",
] as const satisfies readonly (keyof Environment)[];

/** Where `indelible dev` keeps its data unless told otherwise, below the current folder. */
export const DEFAULT_DATA_FOLDER = ".indelible";

const fileName = "env.json";

/** The lines that a shell needs to reach the same services. */
export function exportLines(environment: Environment): string {
  return names.map((name) => `export ${name}=${shellWord(environment[name])}\n`).join("");
}

/** Makes this process, its children, and every client created from now on, use these services. */
export function applyEnvironment(environment: Environment): void {
  for (const name of names) process.env[name] = environment[name];
  askNoMetadataServer();
}

/**
 * Google's clients look for the cloud's metadata server even when they need no credentials, which takes up to seconds
 * and ends in a warning. To be called before anything that talks to local services is started.
 */
export function askNoMetadataServer(): void {
  process.env["METADATA_SERVER_DETECTION"] = "none";
}

/** Leaves word in the data folder, so that other commands find the running services. */
export function writeEnvironment(dataFolder: string, environment: Environment): void {
  const path = join(dataFolder, fileName);
  writeFileSync(`${path}.new`, `${JSON.stringify(environment, undefined, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeEnvironment(dataFolder: string): void {
  rmSync(join(dataFolder, fileName), { force: true });
}

/** Whether variables name services of one machine; one that is empty counts as unset. */
export function namesServices(variables: NodeJS.ProcessEnv): boolean {
  return isSet(variables, "BIGQUERY_EMULATOR_HOST") || isSet(variables, "PUBSUB_EMULATOR_HOST");
}

/** Whether a variable says anything: an empty one does not. */
export function isSet(variables: NodeJS.ProcessEnv, name: string): boolean {
  return (variables[name] ?? "") !== "";
}

/**
 * Finds the services: those that the variables name, else those of the `indelible dev` of this data folder, else Google
 * Cloud with the application default credentials. Variables that are empty count as unset, and are unset.
 *
 * @returns the project, undefined when the credentials are to name it; and whether the services are those of one machine
 * @throws ERR_CONFIG when the file in the data folder is not ours, or of an `indelible dev` that was killed
 */
export function findEnvironment(dataFolder: string): { readonly project: string | undefined; readonly local: boolean } {
  // Whoever reads them from now on, be it a client of Google's, sees the same.
  for (const name of names) if (process.env[name] === "") delete process.env[name];
  if (!namesServices(process.env)) {
    const found = readEnvironment(dataFolder);
    if (found !== undefined && !isClaimed(dataFolder)) throw leftBehind(dataFolder);
    if (found !== undefined) applyEnvironment(found);
    // On a machine of Google's this is seen without asking the network, which elsewhere takes seconds and ends in a warning.
    else process.env["METADATA_SERVER_DETECTION"] ??= "bios-only";
  }
  return {
    project: process.env["GOOGLE_CLOUD_PROJECT"],
    local: process.env["BIGQUERY_EMULATOR_HOST"] !== undefined,
  };
}

/**
 * The datasets of the services that were found: on one machine those that `indelible dev` makes, whatever the shell says for the cloud; in the cloud
 * those that the variables name.
 *
 * @throws ERR_CONFIG
 */
export function datasetsOf(local: boolean): Datasets {
  return local ? defaultDatasets : datasetsFromEnvironment(process.env);
}

/**
 * What the topics of the services that were found begin with, by the same rule. `emit` and `dlq` take the variable at its word on one machine too,
 * where the broker may be another one than that of `indelible dev`.
 */
export function topicPrefixOf(local: boolean): string {
  return local ? DEFAULT_TOPIC_PREFIX : topicPrefixFromEnvironment(process.env);
}

/** What an `indelible dev` has written to its data folder; undefined when nothing. @throws ERR_CONFIG when the file is not ours */
export function readEnvironment(dataFolder: string): Environment | undefined {
  const path = join(dataFolder, fileName);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unusable(path, cause);
  }
  if (!isEnvironment(value)) throw unusable(path);
  return value;
}

function isEnvironment(value: unknown): value is JsonObject & Environment {
  return isObject(value) && names.every((name) => typeof value[name] === "string");
}

/** Whoever was about to ask this machine must not come to ask, or write to, Google Cloud instead. */
function leftBehind(dataFolder: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `no \`indelible dev\` is running on ${dataFolder}: the last one was killed`, {
    hint: `Start \`indelible dev\` again. For Google Cloud instead, delete ${join(dataFolder, fileName)}.`,
  });
}

function unusable(path: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `${path} does not say where the services are`, {
    cause,
    hint: "Delete the file; the next `indelible dev` writes it anew.",
  });
}
