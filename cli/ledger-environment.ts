import type { BigQuery } from "@google-cloud/bigquery";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { bigQueryLookup } from "@indelible/ledger/big-query-lookup.ts";
import { openStore, readerFromEnvironment, readKeyList } from "@indelible/ledger/config.ts";
import { parseKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";
import type { Lookup } from "@indelible/ledger/prove.ts";
import { bigQueryQuestions } from "@indelible/ledger/questions.ts";
import type { VerifyOptions } from "@indelible/ledger/verify.ts";
import { warehouseSources } from "@indelible/ledger/warehouse-sources.ts";
import { openWitness } from "@indelible/ledger/witness.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { RoleName } from "@indelible/schemas/rights.ts";
import { roleToken } from "./role-token.ts";
import { bigQueryClient, projectOf } from "./clients.ts";
import { findEnvironment } from "./environment.ts";
import { ledgerVariables } from "./ledger-folders.ts";

/**
 * The environment for something that reads or writes the ledger in this role: on one machine the data folder says where everything is, unless
 * the variables do; in the cloud the variables do.
 *
 * @throws ERR_CONFIG
 */
export function ledgerEnvironment(dataFolder: string, role: RoleName): NodeJS.ProcessEnv {
  const { local } = findEnvironment(dataFolder);
  if (!local) {
    if ((process.env["INDELIBLE_LEDGER_STORE"] ?? "") !== "") return process.env;
    throw new IndelibleError("ERR_CONFIG", `no \`indelible dev\` is running on ${dataFolder}, and no ledger is named`, {
      hint: "Start `indelible dev` in this folder, or set INDELIBLE_LEDGER_STORE and the other variables of docs/sealing.md.",
    });
  }
  const token = roleToken(dataFolder, role);
  return {
    ...ledgerVariables(dataFolder),
    ...process.env,
    ...(token !== undefined && { INDELIBLE_WAREHOUSE_TOKEN: token }),
  };
}

/** The store of commits and the keys that its checkpoints are signed with. */
export interface Ledger {
  readonly store: ObjectStore;
  /** Undefined: there is none. */
  readonly witnessStore: ObjectStore | undefined;
  readonly keys: KeyList;
}

/** @throws ERR_CONFIG, ERR_KEY */
export async function openLedger(env: NodeJS.ProcessEnv): Promise<Ledger> {
  const location = env["INDELIBLE_LEDGER_STORE"];
  const keyFolder = env["INDELIBLE_LEDGER_KEYS"];
  const keyList =
    env["INDELIBLE_LEDGER_KEY_LIST"] ?? (keyFolder === undefined ? undefined : join(keyFolder, "keys.json"));
  if (location === undefined || location === "" || keyList === undefined) {
    throw new IndelibleError("ERR_CONFIG", "where the seals are is not known", {
      hint: "Start `indelible dev` in this folder, or set INDELIBLE_LEDGER_STORE and INDELIBLE_LEDGER_KEY_LIST (docs/sealing.md).",
    });
  }
  if (!keyList.startsWith("gs://") && !existsSync(keyList)) {
    throw new IndelibleError("ERR_CONFIG", `there is no list of keys at ${keyList}: nothing has been sealed yet`, {
      hint: "Seal what is there: indelible seal",
    });
  }
  const witness = env["INDELIBLE_LEDGER_WITNESS"];
  return {
    store: await openStore(location),
    witnessStore: witness === undefined || witness === "" ? undefined : await openStore(witness),
    keys: parseKeyList(await readKeyList(keyList)),
  };
}

/** Where a verifier finds the log, and what it holds it against. To be closed. */
export type VerificationSources = Pick<
  VerifyOptions,
  "reader" | "store" | "keys" | "witness" | "questions" | "facts" | "auditedSessions"
> & { close(): Promise<void> };

/** Numbers behind which another one came this lately may still be on their way. */
const settledMs = 300_000;

/**
 * The sources that the variables or the data folder name, with the auditor's rights.
 * @throws ERR_CONFIG when something that is needed is not set up, ERR_KEY
 */
export async function verificationFor(dataFolder: string): Promise<VerificationSources> {
  const env = ledgerEnvironment(dataFolder, "auditor");
  const { store, witnessStore, keys } = await openLedger(env);
  const bigquery = await auditorsClient(dataFolder);
  const warehouse = warehouseSources(bigquery);
  const questions = bigQueryQuestions(bigquery);
  const reader = readerFromEnvironment(env, bigquery.projectId);
  return {
    ...warehouse,
    reader,
    store,
    keys,
    witness: witnessStore === undefined ? undefined : openWitness({ store: witnessStore, keys }),
    questions: {
      conflicts: (signal) => questions.conflicts(signal),
      async *gaps(signal) {
        const settled = BigInt(Date.now() - settledMs) * 1000n;
        for await (const gap of questions.gaps(signal)) if (gap.seenAfterMicros < settled) yield gap;
      },
    },
    close: () => reader.close(),
  };
}

/** Finds rows and seals by queries, with the auditor's rights. */
export async function openLookup(dataFolder: string): Promise<Lookup> {
  return bigQueryLookup(await auditorsClient(dataFolder));
}

async function auditorsClient(dataFolder: string): Promise<BigQuery> {
  const { project, local } = findEnvironment(dataFolder);
  const bigquery = bigQueryClient(project, local, local ? roleToken(dataFolder, "auditor") : undefined);
  await projectOf(bigquery, project);
  return bigquery;
}
