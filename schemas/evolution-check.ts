/** Holds the declaration against the last release, as a command line asks for it. */
import { parseArgs } from "node:util";
import { IndelibleError } from "./errors.ts";
import { changesText, rulesReference } from "./evolution-text.ts";
import { changesBetween, rolloutOf, type Change } from "./evolution.ts";
import { newestRelease, readDecisions, readRelease, RELEASES_FOLDER, writeRelease } from "./releases.ts";
import { snapshotOf, type Snapshot } from "./snapshot.ts";

const help = `Compares the declaration of the tables (schemas/tables/) with that of the last release, and says what has changed, what an append-only
table cannot take and what to do instead, and in which order the rest is to be rolled out.

Usage: npm run schemas:check -- [options]

  --against FILE     compare with this snapshot; default: the newest of schemas/releases/
  --release VERSION  write the declaration down as this release, if nothing is refused
  --rules            print the rules, as Markdown (docs/schema-changes.md)
  --json             print JSON
  --help             print this

Example:

  $ npm run schemas:check -- --against schemas/releases/0.1.0.json --json

Exit code: 0 nothing has changed, or only what is allowed; 1 something is not allowed; 2 the command cannot be carried out.
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
    if (isUsageError(error)) return failed(`${error.message}\nRun: npm run schemas:check -- --help\n`);
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
  if (values.rules) return done(rulesReference());
  const path = values.against ?? newestRelease(folder);
  const last = path === undefined ? undefined : readRelease(path);
  const changes = last === undefined ? [] : changesBetween(last, declared, readDecisions(folder));
  const exitCode = changes.every(({ allowed }) => allowed) ? 0 : 1;
  const text = values.json ? jsonText(last, changes) : changesText(changes, last?.release);
  if (values.release === undefined) return { exitCode, stdout: text, stderr: "" };
  if (exitCode !== 0) {
    return { exitCode, stdout: text, stderr: `Release ${values.release} was not written: something is not allowed.\n` };
  }
  const written = writeRelease({ ...declared, release: values.release }, folder);
  return { exitCode, stdout: text, stderr: `Written: ${written}. Commit it.\n` };
}

function jsonText(last: Snapshot | undefined, changes: readonly Change[]): string {
  const against = last?.release ?? null;
  const allowed = changes.every((change) => change.allowed);
  const rollout = allowed
    ? rolloutOf(changes).map(({ step, tables }) => ({ step, tables: tables.map((name) => name ?? null) }))
    : [];
  return `${JSON.stringify({ against, allowed, changes, rollout }, null, 2)}\n`;
}

function done(stdout: string): CheckResult {
  return { exitCode: 0, stdout, stderr: "" };
}

function failed(stderr: string): CheckResult {
  return { exitCode: 2, stdout: "", stderr };
}

/** Of `parseArgs`. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_");
}
