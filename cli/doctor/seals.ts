import { existsSync } from "node:fs";
import { join } from "node:path";
import { latestCommit } from "@indelible/ledger/seal-log.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { datasetsFromEnvironment } from "@indelible/schemas/names.ts";
import { isObject } from "../json.ts";
import { ledgerEnvironment, openLedger } from "../ledger-environment.ts";
import { durationText } from "./age.ts";
import type { Finding } from "./check.ts";
import type { Installation } from "./installation.ts";
import { commandOn } from "./surroundings.ts";
import { orMissing } from "./warehouse.ts";

const defaultHeartbeatSeconds = 600;
const defaultMarginSeconds = 60;
/** The schedule runs every minute; a run may just be under way, and one may have failed. */
const slackMs = 120_000;
const problemMs = 86_400_000;

/** What is asked of the warehouse about seals; a client of BigQuery has it. */
export interface SealRows {
  query(statement: string): Promise<readonly [readonly unknown[], ...unknown[]]>;
}

/** How old the newest seal is. Each table is sealed every heartbeat, also when nothing came in. @throws ERR_CONFIG, ERR_STORE */
export async function findingsOfSeals({
  data,
  auditor,
}: Pick<Installation, "data"> & { readonly auditor: SealRows }): Promise<readonly Finding[]> {
  const env = ledgerEnvironment(data, "auditor");
  const seconds = (name: string, otherwise: number): number => Number(env[name] || otherwise);
  const dueMs =
    1000 *
      (seconds("INDELIBLE_LEDGER_HEARTBEAT_SECONDS", defaultHeartbeatSeconds) +
        seconds("INDELIBLE_LEDGER_MARGIN_SECONDS", defaultMarginSeconds)) +
    slackMs;
  const keyList = missingKeyList(env);
  if (keyList !== undefined) return [unsealedFinding(`list of keys ${keyList}`, await hasSealRows(auditor, env), data)];
  try {
    const { store, keys } = await openLedger(env);
    const latest = await latestCommit(store, keys);
    if (latest === undefined) {
      return [unsealedFinding(`commit in ${env["INDELIBLE_LEDGER_STORE"]}`, await hasSealRows(auditor, env), data)];
    }
    const sealed = { at: Number(latest.sealedAt / 1000n), commit: latest.commit.number, size: latest.tree.size };
    return [sealFinding(sealed, Date.now(), dueMs, data)];
  } catch (error) {
    if (IndelibleError.is(error) && (error.code === "ERR_CHECKPOINT" || error.code === "ERR_KEY")) {
      const finding = `The seal log does not hold: ${error.message}.`;
      return [{ status: "problem", finding, fix: commandOn(data, "verify") }];
    }
    throw error;
  }
}

/** The file that the sealer makes with its first keys, when it is named and not there. */
function missingKeyList(env: NodeJS.ProcessEnv): string | undefined {
  const folder = env["INDELIBLE_LEDGER_KEYS"];
  const path = env["INDELIBLE_LEDGER_KEY_LIST"] || (folder ? join(folder, "keys.json") : undefined);
  return path === undefined || path.startsWith("gs://") || existsSync(path) ? undefined : path;
}

/** Whether the sealer has ever written to the warehouse, where its seals are for whoever asks the log. */
async function hasSealRows(auditor: SealRows, env: NodeJS.ProcessEnv): Promise<boolean> {
  const statement = `SELECT COUNT(*) AS n FROM \`${datasetsFromEnvironment(env).raw}.seals\``;
  const [row] = (await orMissing(() => auditor.query(statement)))?.[0] ?? [];
  return isObject(row) && Number(row["n"]) > 0;
}

/** @param lacks what there would be if anything were sealed */
function unsealedFinding(lacks: string, hasRows: boolean, data: string): Finding {
  if (hasRows) {
    const finding = `There is no ${lacks}, and table seals has rows: it was sealed, and what proves it is lost or elsewhere. To seal again would begin another log.`;
    return { status: "problem", finding, fix: commandOn(data, "verify") };
  }
  const finding = "Nothing is sealed yet: nobody could prove anything.";
  return { status: "warning", finding, fix: commandOn(data, "seal") };
}

/** @param dueMs a newest seal that is older says that nobody seals */
export function sealFinding(
  { at, commit, size }: { readonly at: number; readonly commit: number; readonly size: bigint },
  nowMs: number,
  dueMs: number,
  data: string,
): Finding {
  const ageMs = nowMs - at;
  if (ageMs < -60_000) {
    const finding = `The newest seal says that it was made ${durationText(-ageMs)} from now: a clock is wrong, the sealer's or this machine's.`;
    return {
      status: "problem",
      finding,
      fix: "sudo timedatectl set-ntp true    (on the machine whose clock is wrong)",
    };
  }
  const finding = `The newest seal is ${durationText(ageMs)} old (commit ${commit}, ${size} seals)`;
  if (ageMs <= dueMs) return { status: "ok", finding: `${finding}.` };
  const isSerious = ageMs > problemMs;
  return {
    status: isSerious ? "problem" : "warning",
    finding: `${finding}; one was due after ${durationText(dueMs)}. What is not sealed can be changed without trace.`,
    fix: commandOn(data, "seal"),
  };
}
