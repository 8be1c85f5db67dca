import { join } from "node:path";
import { verify, type Verification } from "@indelible/ledger/verify.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { verificationFor, type VerificationSources } from "../ledger-environment.ts";
import { interruption } from "../terminal/interruption.ts";
import { createProgress } from "../terminal/progress.ts";
import { verificationJson } from "./json.ts";
import { verificationText } from "./text.ts";

/** A time in the words in which it was asked for, such as `30d`, which mean another time in each run. */
export interface AskedTime {
  readonly text: string;
  /** Microseconds since 1970. */
  readonly micros: bigint;
}

export interface VerifyFlags {
  readonly table: readonly TableName[];
  readonly since?: AskedTime;
  readonly until?: AskedTime;
  readonly json?: true;
  readonly resume?: true;
  readonly state?: string;
  readonly data: string;
}

interface VerifyHost {
  /** Default: `verificationFor`. */
  readonly open?: (dataFolder: string) => Promise<VerificationSources>;
  /** Default: the clock, in microseconds since 1970. */
  readonly now?: () => bigint;
  /** Default: aborted by Ctrl-C. */
  readonly signal?: AbortSignal;
  /** Default: stdout. */
  readonly write?: (text: string) => void;
  /** Default: stderr. */
  readonly warn?: (text: string) => void;
}

const INTERRUPTED = 130;

/** Verifies and prints what was found; returns the exit code. @throws what `verify` throws, but for the interruption */
export async function runVerify(flags: VerifyFlags, host: VerifyHost = {}): Promise<number> {
  const {
    open = verificationFor,
    now = () => BigInt(Date.now()) * 1000n,
    write = (text) => process.stdout.write(text),
    warn = (text) => process.stderr.write(text),
  } = host;
  using interrupted = interruption();
  const signal = host.signal ?? interrupted.signal;
  const state = flags.state ?? join(flags.data, "verify", "checkpoint");
  const rangeText = JSON.stringify([flags.since?.text, flags.until?.text]);
  const sources = await open(flags.data);
  const progress = createProgress("verifying");
  let verification: Verification | undefined;
  try {
    verification = await verify({
      ...sources,
      now,
      tables: flags.table.length > 0 ? flags.table : undefined,
      since: flags.since?.micros,
      until: flags.until?.micros,
      memory: state,
      checkpointing: { file: `${state}.position`, resume: flags.resume, rangeText },
      onProgress: ({ rowsDone, rowsTotal }) => progress.update(Math.min(rowsDone, rowsTotal), rowsTotal),
      signal,
    });
  } catch (error) {
    const isAbort = error === signal.reason || (error instanceof Error && error.name === "AbortError");
    if (!signal.aborted || !isAbort) throw error;
  } finally {
    progress.stop();
    await sources.close();
  }
  if (verification === undefined) {
    warn("Interrupted. The same command with --resume goes on from here.\n");
    return INTERRUPTED;
  }
  if (flags.resume === true && !verification.resumed) warn("There was nothing to go on from: this began anew.\n");
  write(flags.json === true ? verificationJson(verification) : verificationText(verification));
  return verification.verified ? 0 : 1;
}
