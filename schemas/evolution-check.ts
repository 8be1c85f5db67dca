/** Holds the declaration against the last release, as a command line asks for it. */
import { parseArgs } from "node:util";
import { IndelibleError } from "./errors.ts";
import { changesText, rulesReference } from "./evolution-text.ts";
import { changesBetween, rolloutOf, type Change } from "./evolution.ts";
import {
  newestRelease,
  readDecisions,
  readRelease,
  RELEASES_FOLDER,
  unusedDecisions,
  writeRelease,
} from "./releases.ts";
import { snapshotOf, type Snapshot } from "./snapshot.ts";
import { faultsOf } from "./validity.ts";

const help = `Compares the declaration of the tables (schemas/tables/) with that of the last release, and says what has changed, what an append-only
table cannot take and what to do instead, and in which order the rest is to be rolled out. It says, too, what of it is not valid at all.

Usage: npm run schemas:check -- [options]

  --against FILE     compare with this snapshot; default: the newest of schemas/releases/
  --release VERSION  write the declaration down as this release, if nothing is refused; not with --against
  --rules            print the rules, as Markdown (docs/schema-changes.md); alone
  --json             print JSON
  --help             print this

Example:

  $ npm run schemas:check -- --against schemas/releases/0.1.0.json --json

Exit code: 0 nothing has changed, or only what is allowed; 1 something is not allowed or not valid; 2 the command cannot be carried out.
`;

export interface CheckResult {
  readonly exitCode: 0 | 1 | 2;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CheckOptions {
  /** What is held against the release. Default: the declaration. */
  readonly declared?: Snapshot;
  /** Default: schemas/releases/. */
  readonly folder?: string;
}

/** What the command line asks for. Prints nothing, and never throws for what the command line holds. */
export function check(args: readonly string[], options: CheckOptions = {}): CheckResult {
  try {
    return run(args, options);
  } catch (error) {
    if (IndelibleError.is(error)) return failed(`${error.message}\n${error.hint}\n`);
    if (isUsageError(error)) return misused(error.message);
    throw error;
  }
}

function run(
  args: readonly string[],
  { declared = snapshotOf("next"), folder = RELEASES_FOLDER }: CheckOptions,
): CheckResult {
  const { values } = parseArgs({
    args: [...args],
    options: {
      against: { type: "string" },
      release: { type: "string" },
      rules: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return done(help);
  if (values.rules) {
    const isAlone = values.against === undefined && values.release === undefined && !values.json;
    return isAlone ? done(rulesReference()) : misused("--rules goes with no other option.");
  }
  if (values.release !== undefined && values.against !== undefined) {
    return misused("--release compares with the newest release, so it does not go with --against.");
  }
  const path = values.against ?? newestRelease(folder);
  const last = path === undefined ? undefined : readRelease(path);
  const decisions = readDecisions(folder);
  const changes = last === undefined ? [] : changesBetween(last, declared, decisions);
  const faults = faultsOf(declared);
  const exitCode = faults.length === 0 && changes.every(({ allowed }) => allowed) ? 0 : 1;
  const stdout = values.json ? jsonText(last, changes, faults) : changesText(changes, last?.release, faults);
  const unused = unusedDecisions(decisions, changes, last?.release, folder)
    .map((key) => `decisions.json allows nothing by ${JSON.stringify(key)}.\n`)
    .join("");
  if (values.release === undefined) return { exitCode, stdout, stderr: unused };
  if (exitCode !== 0) {
    const stderr = `${unused}Release ${values.release} was not written: something is not allowed or not valid.\n`;
    return { exitCode, stdout, stderr };
  }
  const written = writeRelease({ ...declared, release: values.release }, folder);
  return { exitCode, stdout, stderr: `${unused}Written: ${written}. Commit it.\n` };
}

/** Every member is always there; null stands for what there is not. */
function jsonText(last: Snapshot | undefined, changes: readonly Change[], faults: readonly string[]): string {
  const against = last?.release ?? null;
  const allowed = faults.length === 0 && changes.every((change) => change.allowed);
  const rollout = allowed ? rolloutOf(changes) : [];
  const result = { against, allowed, faults, changes, rollout };
  return `${JSON.stringify(result, (_name, value: unknown) => value ?? null, 2)}\n`;
}

function done(stdout: string): CheckResult {
  return { exitCode: 0, stdout, stderr: "" };
}

function misused(why: string): CheckResult {
  return failed(`${why}\nRun: npm run schemas:check -- --help\n`);
}

function failed(stderr: string): CheckResult {
  return { exitCode: 2, stdout: "", stderr };
}

/** Of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}
