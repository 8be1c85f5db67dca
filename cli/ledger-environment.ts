import { existsSync } from "node:fs";
import { join } from "node:path";
import { bigQueryLookup } from "@indelible/ledger/big-query-lookup.ts";
import { openStore, readerFromEnvironment, readKeyList } from "@indelible/ledger/config.ts";
import { parseKeyList } from "@indelible/ledger/key-list.ts";
import type { ProveOptions } from "@indelible/ledger/prove.ts";
import { bigQueryQuestions } from "@indelible/ledger/questions.ts";
import type { VerifyOptions } from "@indelible/ledger/verify.ts";
import { warehouseSources } from "@indelible/ledger/warehouse-sources.ts";
import { openWitness } from "@indelible/ledger/witness.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { WarehouseRoleName } from "@indelible/schemas/rights.ts";
import { roleToken } from "./role-token.ts";
import { findEnvironment } from "./environment.ts";
import { ledgerVariables } from "./ledger-folders.ts";
import { SETTLED_AGE, timeOption } from "./time-range.ts";
import { openWarehouse } from "./warehouse.ts";

/**
 * The environment for something that reads or writes the ledger in this role: on one machine the data folder says where everything is, whatever
 * the shell says for the cloud; in the cloud the variables do.
 *
 * @throws ERR_CONFIG
 */
export function ledgerEnvironment(dataFolder: string, role: WarehouseRoleName): NodeJS.ProcessEnv {
  const { local } = findEnvironment(dataFolder);
  if (!local) {
    if ((process.env["INDELIBLE_LEDGER_STORE"] ?? "") !== "") return process.env;
    throw new IndelibleError("ERR_CONFIG", `no \`indelible dev\` is running on ${dataFolder}, and no ledger is named`, {
      hint: "Start `indelible dev` in this folder, or set INDELIBLE_LEDGER_STORE and the other variables of docs/sealing.md.",
    });
  }
  const token = roleToken(dataFolder, role);
  return {
    ...process.env,
    ...ledgerVariables(dataFolder),
    INDELIBLE_DATASET: RAW_DATASET,
    INDELIBLE_VIEWS_DATASET: VIEWS_DATASET,
    ...(token !== undefined && { INDELIBLE_WAREHOUSE_TOKEN: token }),
  };
}

/** The store of commits and the keys that its checkpoints are signed with. @throws ERR_CONFIG, ERR_KEY */
export async function openLedger(env: NodeJS.ProcessEnv): Promise<Pick<ProveOptions, "store" | "keys">> {
  const location = valueOf(env, "INDELIBLE_LEDGER_STORE");
  const keyFolder = valueOf(env, "INDELIBLE_LEDGER_KEYS");
  const keyList =
    valueOf(env, "INDELIBLE_LEDGER_KEY_LIST") ?? (keyFolder === undefined ? undefined : join(keyFolder, "keys.json"));
  if (location === undefined || keyList === undefined) {
    throw new IndelibleError("ERR_CONFIG", "where the seals are is not known", {
      hint: "Start `indelible dev` in this folder, or set INDELIBLE_LEDGER_STORE and INDELIBLE_LEDGER_KEY_LIST (docs/sealing.md).",
    });
  }
  if (!keyList.startsWith("gs://") && !existsSync(keyList)) {
    throw new IndelibleError("ERR_CONFIG", `there is no list of keys at ${keyList}: nothing has been sealed yet`, {
      hint: "Seal what is there: indelible seal",
    });
  }
  return { store: await openStore(location), keys: parseKeyList(await readKeyList(keyList)) };
}

/** Undefined too when it is empty. */
function valueOf(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] === "" ? undefined : env[name];
}

/** Where a verifier finds the log, and what it holds it against. To be closed. */
export type VerificationSources = Pick<
  VerifyOptions,
  "reader" | "store" | "keys" | "witness" | "questions" | "facts" | "auditedSessions"
> & { close(): Promise<void> };

/**
 * The sources that the variables or the data folder name, with the auditor's rights.
 * @throws ERR_CONFIG when something that is needed is not set up, ERR_KEY
 */
export async function verificationFor(dataFolder: string): Promise<VerificationSources> {
  const env = ledgerEnvironment(dataFolder, "auditor");
  const { store, keys } = await openLedger(env);
  const witness = valueOf(env, "INDELIBLE_LEDGER_WITNESS");
  const { project, bigquery, datasets } = await openWarehouse(dataFolder, "auditor");
  const warehouse = warehouseSources(bigquery, datasets.raw);
  const questions = bigQueryQuestions(bigquery, datasets.raw);
  const reader = readerFromEnvironment(env, project);
  return {
    ...warehouse,
    reader,
    store,
    keys,
    witness: witness === undefined ? undefined : openWitness({ store: await openStore(witness), keys }),
    questions: {
      conflicts: (signal) => questions.conflicts(signal),
      async *gaps(signal) {
        const settled = BigInt(timeOption(SETTLED_AGE));
        for await (const gap of questions.gaps(signal)) if (gap.seenAfterMicros < settled) yield gap;
      },
    },
    close: () => reader.close(),
  };
}

/** What a proof is made of, with the auditor's rights. @throws ERR_CONFIG, ERR_KEY */
export async function proofSourcesFor(dataFolder: string): Promise<ProveOptions> {
  const env = ledgerEnvironment(dataFolder, "auditor");
  const ledger = await openLedger(env);
  const { bigquery, datasets } = await openWarehouse(dataFolder, "auditor");
  return { ...ledger, lookup: bigQueryLookup(bigquery, datasets.raw) };
}
