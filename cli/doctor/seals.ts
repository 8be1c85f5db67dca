import { latestCommit } from "@indelible/ledger/seal-log.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { ledgerEnvironment, openLedger } from "../ledger-environment.ts";
import { durationText } from "./age.ts";
import type { Finding } from "./check.ts";
import type { Installation } from "./installation.ts";
import { commandOn } from "./surroundings.ts";

const defaultHeartbeatSeconds = 600;
const defaultMarginSeconds = 60;
/** The schedule runs every minute; a run may just be under way, and one may have failed. */
const slackMs = 120_000;
const problemMs = 86_400_000;

/** How old the newest seal is. Each table is sealed every heartbeat, also when nothing came in. */
export async function findingsOfSeals({ data }: Installation): Promise<readonly Finding[]> {
  const env = ledgerEnvironment(data, "auditor");
  const seconds = (name: string, otherwise: number): number => Number(env[name] || otherwise);
  const dueMs =
    1000 *
      (seconds("INDELIBLE_LEDGER_HEARTBEAT_SECONDS", defaultHeartbeatSeconds) +
        seconds("INDELIBLE_LEDGER_MARGIN_SECONDS", defaultMarginSeconds)) +
    slackMs;
  try {
    const { store, keys } = await openLedger(env);
    const latest = await latestCommit(store, keys);
    if (latest === undefined) return [nothingSealed(data)];
    const sealed = { at: Number(latest.sealedAt / 1000n), commit: latest.commit.number, size: latest.tree.size };
    return [sealFinding(sealed, Date.now(), dueMs, data)];
  } catch (error) {
    if (IndelibleError.is(error) && error.code === "ERR_CONFIG") return [nothingSealed(data)];
    if (IndelibleError.is(error) && (error.code === "ERR_CHECKPOINT" || error.code === "ERR_KEY")) {
      const finding = `The seal log does not hold: ${error.message}.`;
      return [{ status: "problem", finding, fix: commandOn(data, "verify") }];
    }
    throw error;
  }
}

function nothingSealed(data: string): Finding {
  return {
    status: "warning",
    finding: "Nothing is sealed yet: nobody could prove anything.",
    fix: commandOn(data, "seal"),
  };
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
