import { defaultOrigin } from "@indelible/ledger/origin.ts";
import { parseVerifierKey } from "@indelible/ledger/verifier-key.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { publishedTables } from "@indelible/schemas/names.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { namesOf } from "./names.ts";

/** What a stack is told, as keys `indelible:<name>` of its `Pulumi.<stack>.yaml`, except where another key is named. */
export interface Settings {
  /** `gcp:project`. */
  readonly projectId: string;
  /** `gcp:region`, as `europe-west1`: where functions, keys and buckets are, and messages are kept. */
  readonly region: string;
  /**
   * Part of every name, so that several environments fit into one project: 1 to 10 of a-z and 0-9, beginning with a letter. Default: none, and
   * names are those of one machine.
   */
  readonly environment: string | undefined;
  /** Where BigQuery keeps the tables, as `EU` or a region. Default: the region. */
  readonly dataLocation: string;
  /** Who may publish. Default: nobody. */
  readonly agents: readonly Agent[];
  /** Members of IAM, as `group:auditors@example.com`. Default of these three: nobody. */
  readonly readers: readonly string[];
  readonly auditors: readonly string[];
  readonly ops: readonly string[];
  /** Members whom the deny policy does not stop. Must name somebody while there is to be one; nobody could add a column then, nor could `pulumi up`. */
  readonly breakGlass: readonly string[];
  /** Who gets alerts. Default: nobody, and alerts are seen in the console only. */
  readonly alertEmails: readonly string[];
  /** Instances of the function. Default: 1 that is always there, 100 at most. */
  readonly minInstances: number;
  readonly maxInstances: number;
  /** The worker in place of push, for steady traffic. Default: none. */
  readonly worker: WorkerSettings | undefined;
  /** Versions of the signing key. Default: version 1, from 1970 on. */
  readonly signingKeys: readonly SigningKey[];
  /** A second store for checkpoints in other hands, as `gs://bucket/prefix`. Default: none. */
  readonly witness: string | undefined;
  /** How long nobody can delete a checkpoint. Default: 2,557 days, the longest retention of a table. */
  readonly checkpointRetentionDays: number;
  /** Whether that is for ever: a locked policy can be neither shortened nor removed, by nobody. Default: true. */
  readonly lockCheckpoints: boolean;
  /** Whether an IAM deny policy is made, which takes a right on the organization. Default: true. */
  readonly denyPolicy: boolean;
  /** Whether tables, keys, buckets and topics refuse to be deleted. Default: true; false before a stack is torn down. */
  readonly deletionProtection: boolean;
  /**
   * Whether the stack sets which accesses the project's audit logs record, for BigQuery, Cloud KMS and Pub/Sub. It replaces what was set for these. One
   * stack of a project. Default: true without an environment, else false.
   */
  readonly auditConfig: boolean;
}

export interface Agent {
  readonly member: string;
  /** Default: every table that agents write. */
  readonly tables: readonly TableName[];
}

export interface WorkerSettings {
  /** A container image that was built from `dist/worker`. */
  readonly image: string;
  readonly instances: number;
}

export interface SigningKey {
  readonly version: number;
  /** RFC 3339. */
  readonly from: string;
  /** RFC 3339. Default: no end. */
  readonly until: string | undefined;
  /**
   * The public key, as the output `verifierKeys` has it. Given for a version that is not to sign any more: Cloud KMS is not asked for it, and it may be
   * disabled or destroyed. Needs `until`.
   */
  readonly vkey: string | undefined;
}

/** The tables that agents write. */
export const agentTables: readonly TableName[] = publishedTables.filter((table) => table !== "log_access_audit");

const MAX_RETENTION_DAYS = 36_500;

/** Values by their full key, as `indelible:readers`; those that are no text are JSON. */
export type StackConfig = { readonly [key: string]: string | undefined };

/**
 * The settings of a stack. Keys that nobody would read are refused: an `auditor` would otherwise be nobody.
 * @throws ERR_CONFIG that names the key
 */
export function settingsOf(config: StackConfig): Settings {
  for (const [key, value] of Object.entries(config)) checkKey(key, value);
  const projectId = text(config, "gcp:project", /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "the ID of a project");
  const region = text(config, "gcp:region", /^[a-z]+-[a-z]+\d+$/, "a region such as europe-west1");
  // With `raw`, its views would be where the tables of the environment without a name are.
  const environment = optional(
    config,
    "environment",
    /^(?!raw$)[a-z][a-z0-9]{0,9}$/,
    "1 to 10 of a-z and 0-9, a letter first, and not raw",
  );
  const minInstances = whole(config, "minInstances", 1, 0, 1000);
  const breakGlass = members(config, "breakGlass");
  const denyPolicy = flag(config, "denyPolicy", true);
  if (denyPolicy && breakGlass.length === 0)
    throw refusal(
      "breakGlass",
      "names nobody, and the deny policy would bind everybody",
      "Name who may change tables, among them whoever runs `pulumi up`: pulumi config set --path 'indelible:breakGlass[0]' group:GROUP. Without an organization there is no deny policy: pulumi config set indelible:denyPolicy false.",
    );
  return {
    projectId,
    region,
    environment,
    dataLocation: optional(config, "dataLocation", /^(EU|US|[a-z]+-[a-z]+\d+)$/, "EU, US or a region") ?? region,
    agents: list(config, "agents").map(agentOf),
    readers: members(config, "readers"),
    auditors: members(config, "auditors"),
    ops: members(config, "ops"),
    breakGlass,
    alertEmails: texts(config, "alertEmails", /^[^\s@]+@[^\s@]+$/, "an e-mail address"),
    minInstances,
    maxInstances: whole(config, "maxInstances", Math.max(100, minInstances), Math.max(1, minInstances), 1000),
    worker: workerOf(config),
    signingKeys: signingKeysOf(config, defaultOrigin(projectId, namesOf({ projectId, environment }).datasets.raw)),
    witness: optional(config, "witness", /^gs:\/\/[^/\s]+(\/\S+)?$/, "gs://bucket or gs://bucket/prefix"),
    checkpointRetentionDays: whole(config, "checkpointRetentionDays", 2557, 1, MAX_RETENTION_DAYS),
    lockCheckpoints: flag(config, "lockCheckpoints", true),
    denyPolicy,
    deletionProtection: flag(config, "deletionProtection", true),
    auditConfig: flag(config, "auditConfig", environment === undefined),
  };
}

const PREFIX = "indelible:";
const namespaces: ReadonlySet<string> = new Set(["gcp", "indelible", "pulumi"]);
const known: ReadonlySet<string> = new Set([
  "environment",
  "dataLocation",
  "agents",
  "readers",
  "auditors",
  "ops",
  "breakGlass",
  "alertEmails",
  "minInstances",
  "maxInstances",
  "workerImage",
  "workerInstances",
  "signingKeys",
  "witness",
  "checkpointRetentionDays",
  "lockCheckpoints",
  "denyPolicy",
  "deletionProtection",
  "auditConfig",
]);

const memberForm = /^(user|group|serviceAccount):[^\s@]+@[^\s@]+$|^(principal|principalSet):\/\/\S+$/;
const memberWords =
  "a member such as group:auditors@example.com or serviceAccount:agent@project.iam.gserviceaccount.com";

function members(config: StackConfig, name: string): readonly string[] {
  return texts(config, name, memberForm, memberWords);
}

function checkKey(key: string, value: string | undefined): void {
  const [namespace = "", name] = key.split(":");
  if (name === undefined)
    throw new IndelibleError("ERR_CONFIG", `${key} has no namespace`, {
      hint: `Write ${PREFIX}${key}, if it is of Indelible.`,
    });
  const ours = key.startsWith(PREFIX);
  if (ours && !known.has(key.slice(PREFIX.length)))
    throw refusal(key, "is not known", `One of: ${[...known].join(", ")}.`);
  if (!namespaces.has(namespace))
    throw refusal(key, "is read by nobody", `Keys begin with ${[...namespaces].join(":, ")}:.`);
  // What Pulumi hands over is decrypted; what is in the file is not.
  if ((ours || key === "gcp:project" || key === "gcp:region") && value?.includes('{"secure":') === true)
    throw refusal(
      key,
      "is encrypted, which the plan cannot read",
      "None of these settings is a secret: set it again, without --secret.",
    );
}

function agentOf(value: unknown, index: number): Agent {
  const key = `agents[${index}]`;
  const {
    member,
    tables = agentTables,
    ...others
  } = typeof value === "string" ? { member: value } : object(value, key);
  if (Object.keys(others).length > 0)
    throw refusal(key, `has ${Object.keys(others).join(", ")}`, "It may have member and tables.");
  if (typeof member !== "string" || !memberForm.test(member))
    throw refusal(key, "names no member", `Give ${memberWords}.`);
  if (!Array.isArray(tables) || tables.length === 0)
    throw refusal(key, "has no list of tables", "Leave it out for all of them.");
  const named = tables.map((table: unknown) => {
    const found = agentTables.find((name) => name === table);
    if (found === undefined)
      throw refusal(key, `names ${JSON.stringify(table)}`, `Agents write: ${agentTables.join(", ")}.`);
    return found;
  });
  return { member: normal(member), tables: named };
}

function workerOf(config: StackConfig): WorkerSettings | undefined {
  const image = optional(config, "workerImage", /^\S+\/\S+$/, "the name of a container image");
  if (image !== undefined) return { image, instances: whole(config, "workerInstances", 1, 1, 1000) };
  if (config[`${PREFIX}workerInstances`] === undefined) return undefined;
  throw refusal("workerInstances", "is set without workerImage", "Build the image first (docs/deploy.md).");
}

/** @param origin what the keys are named */
function signingKeysOf(config: StackConfig, origin: string): readonly SigningKey[] {
  const keys = list(config, "signingKeys").map((value, index): SigningKey => {
    const key = `signingKeys[${index}]`;
    const { version, from, until, vkey, ...others } = object(value, key);
    if (Object.keys(others).length > 0)
      throw refusal(key, `has ${Object.keys(others).join(", ")}`, "It may have version, from, until and vkey.");
    if (typeof version !== "number" || !Number.isInteger(version) || version < 1)
      throw refusal(key, "has no version", "Give the number of the version of the key in Cloud KMS.");
    if (vkey !== undefined && until === undefined)
      throw refusal(key, "has a vkey without an end", "Give until too: a version with a vkey does not sign any more.");
    return {
      version,
      ...timesOf(from, until, key),
      vkey: vkey === undefined ? undefined : vkeyOf(vkey, origin, key),
    };
  });
  refuseTwice(
    "signingKeys",
    keys.map(({ version }) => `version ${version}`),
  );
  refuseTwice(
    "signingKeys",
    keys.flatMap(({ vkey }) => vkey ?? []),
  );
  if (keys.length > 0 && keys.every(({ vkey }) => vkey !== undefined))
    throw refusal("signingKeys", "has no version that signs", "Leave vkey out of at least one.");
  return keys.length > 0 ? keys : [{ version: 1, from: "1970-01-01T00:00:00Z", until: undefined, vkey: undefined }];
}

function timesOf(from: unknown, until: unknown, key: string): Pick<SigningKey, "from" | "until"> {
  const [start, end] = [from, until].map((time) => (typeof time === "string" ? parseTimestamp(time) : undefined));
  if (typeof from !== "string" || start === undefined || (until !== undefined && end === undefined))
    throw refusal(key, "has a from or until that is no time", "Give RFC 3339, such as 2026-12-01T00:00:00Z.");
  if (end !== undefined && end <= start) throw refusal(key, "ends before it begins", "Give an until after its from.");
  return { from, until: typeof until === "string" ? until : undefined };
}

function vkeyOf(value: unknown, origin: string, key: string): string {
  const hint = "Copy it from the output verifierKeys of this stack.";
  if (typeof value !== "string") throw refusal(key, "has a vkey that is no text", hint);
  let name: string;
  try {
    ({ name } = parseVerifierKey(value));
  } catch (cause) {
    throw refusal(key, `has a vkey that is none: ${(cause as Error).message}`, hint);
  }
  if (name !== origin) throw refusal(key, `has a vkey of ${name}, not of ${origin}`, hint);
  return value;
}

function text(config: StackConfig, key: string, form: RegExp, what: string): string {
  const value = config[key];
  if (value === undefined || value === "") throw refusal(key, "is not set", `pulumi config set ${key} VALUE: ${what}.`);
  if (form.test(value)) return value;
  throw refusal(key, `is ${JSON.stringify(value)}`, `Give ${what}.`);
}

function optional(config: StackConfig, name: string, form: RegExp, what: string): string | undefined {
  const key = PREFIX + name;
  return config[key] === undefined || config[key] === "" ? undefined : text(config, key, form, what);
}

function whole(config: StackConfig, name: string, otherwise: number, min: number, max: number): number {
  const value = config[PREFIX + name];
  if (value === undefined || value === "") return otherwise;
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw refusal(name, `is ${JSON.stringify(value)}`, `Give a whole number from ${min} to ${max}.`);
}

function flag(config: StackConfig, name: string, otherwise: boolean): boolean {
  const value = config[PREFIX + name];
  if (value === undefined || value === "") return otherwise;
  if (value === "true" || value === "false") return value === "true";
  throw refusal(name, `is ${JSON.stringify(value)}`, "Give true or false.");
}

/** Each once. */
function texts(config: StackConfig, name: string, form: RegExp, what: string): readonly string[] {
  const values = list(config, name).map((value, index) => {
    if (typeof value === "string" && form.test(value)) return normal(value);
    throw refusal(`${name}[${index}]`, `is ${JSON.stringify(value)}`, `Give ${what}.`);
  });
  return [...new Set(values)];
}

/** Addresses are the same in capitals, and the cloud gives them back without; principals of other clouds are not. */
function normal(member: string): string {
  const kind = /^(?:user|group|serviceAccount):/.exec(member)?.[0] ?? "";
  return member.includes("://") ? member : kind + member.slice(kind.length).toLowerCase();
}

function refuseTwice(key: string, values: readonly string[]): void {
  const again = values.find((value, index) => values.indexOf(value) < index);
  if (again !== undefined) throw refusal(key, `names ${again} twice`, "Leave one of them out.");
}

function list(config: StackConfig, name: string): readonly unknown[] {
  const value = config[PREFIX + name];
  if (value === undefined || value === "") return [];
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    parsed = undefined;
  }
  if (Array.isArray(parsed)) return parsed;
  throw refusal(
    name,
    `is ${JSON.stringify(value)}`,
    `Give a list: pulumi config set --path 'indelible:${name}[0]' VALUE`,
  );
}

function object(value: unknown, key: string): { readonly [field: string]: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw refusal(key, `is ${JSON.stringify(value)}`, "Give an object.");
}

function refusal(key: string, what: string, hint: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `${key.includes(":") ? key : PREFIX + key} ${what}`, { hint });
}
