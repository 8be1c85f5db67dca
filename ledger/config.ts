import { readFile } from "node:fs/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { datasetsFromEnvironment } from "@indelible/schemas/names.ts";
import { appenderFromEnvironment, warehouseToken } from "@indelible/subscriber/appender-from-environment.ts";
import { folderStore } from "./folder-store.ts";
import { openGcsStore } from "./gcs-store.ts";
import { keysAt, parseKeyList, type KeyList } from "./key-list.ts";
import { openKmsSigner, type KmsSignerOptions } from "./kms-signer.ts";
import { openLocalKeys } from "./local-keys.ts";
import { verifierKeyOf } from "./note.ts";
import { isObjectName } from "./object-name.ts";
import type { ObjectStore } from "./object-store.ts";
import { defaultOrigin } from "./origin.ts";
import type { RowReader } from "./row-reader.ts";
import type { SealOptions } from "./seal.ts";
import { sealRows } from "./seal-rows.ts";
import type { Signer } from "./signer.ts";
import { storageRowReader } from "./storage-row-reader.ts";
import { openWitness } from "./witness.ts";

/** Everything that seals, wired together. */
export interface SealerService {
  /** For each run anew, because keys come and go. @throws ERR_CONFIG, ERR_KEY, ERR_STORE */
  options(): Promise<SealOptions>;
  close(): Promise<void>;
}

/**
 * The sealer as the environment describes it:
 *
 * - `GOOGLE_CLOUD_PROJECT`: required.
 * - `INDELIBLE_DATASET`: the dataset of tables, default `agent_logs_raw`.
 * - `INDELIBLE_LEDGER_STORE`: where commits are kept, a folder or `gs://bucket/prefix`. Required.
 * - `INDELIBLE_LEDGER_WITNESS`: a second store, in other hands, that checkpoints are shown to. Default: none.
 * - `INDELIBLE_LEDGER_ORIGIN`: default `indelible/<project>/<dataset>`.
 * - `INDELIBLE_LEDGER_KEYS`: a folder with the keys of one machine; made when missing. This, or the next two.
 * - `INDELIBLE_LEDGER_KMS_KEYS`: versions of Cloud KMS keys (EC_SIGN_ED25519), as `projects/…/cryptoKeyVersions/1`, separated by commas.
 * - `INDELIBLE_LEDGER_KEY_LIST`: with it: the list of keys and their validity, a file or `gs://bucket/object`.
 * - `INDELIBLE_LEDGER_MARGIN_SECONDS`: a window is closed this long after its end, default 60.
 * - `INDELIBLE_LEDGER_HEARTBEAT_SECONDS`: a table without rows is sealed this often, default 600.
 * - `BIGQUERY_STORAGE_HOST`, `INDELIBLE_WAREHOUSE_TOKEN`: a local warehouse's gRPC address, without TLS, and the sealer's token there.
 *
 * @param openSigner opens each of the keys of Cloud KMS
 * @throws ERR_CONFIG
 */
export function sealerFromEnvironment(
  env: NodeJS.ProcessEnv,
  openSigner: (options: KmsSignerOptions) => Promise<Signer> = openKmsSigner,
): SealerService {
  const projectId = required(env, "GOOGLE_CLOUD_PROJECT");
  const { raw: datasetId } = datasetsFromEnvironment(env);
  const origin = env["INDELIBLE_LEDGER_ORIGIN"] ?? defaultOrigin(projectId, datasetId);
  const location = required(env, "INDELIBLE_LEDGER_STORE");
  const store = once(() => openStore(location));
  const witness = env["INDELIBLE_LEDGER_WITNESS"];
  const witnessStore = witness === undefined || witness === "" ? undefined : once(() => openStore(witness));
  const marginMs = seconds(env, "INDELIBLE_LEDGER_MARGIN_SECONDS");
  const heartbeatMs = seconds(env, "INDELIBLE_LEDGER_HEARTBEAT_SECONDS");
  const keys = keysFromEnvironment(env, origin, openSigner);
  const reader = readerFromEnvironment(env, projectId);
  const appender = appenderFromEnvironment(env, projectId);
  const rows = sealRows(appender, reader);
  return {
    async options() {
      const { list, signers } = await keys();
      return {
        reader,
        rows,
        store: await store(),
        keys: list,
        signers,
        witness: witnessStore === undefined ? undefined : openWitness({ store: await witnessStore(), keys: list }),
        ...(marginMs !== undefined && { marginMs }),
        ...(heartbeatMs !== undefined && { heartbeatMs }),
      };
    },
    async close() {
      await appender.close();
      await reader.close();
    },
  };
}

/** A store by its address: `gs://bucket/prefix` or a folder. */
export async function openStore(location: string): Promise<ObjectStore> {
  return location.startsWith("gs://") ? openGcsStore({ location }) : folderStore(location);
}

/** Opens something when it is first needed, and again after a failure only. */
function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined;
      throw error;
    }));
}

interface Keys {
  readonly list: KeyList;
  readonly signers: readonly Signer[];
}

function keysFromEnvironment(
  env: NodeJS.ProcessEnv,
  origin: string,
  openSigner: (options: KmsSignerOptions) => Promise<Signer>,
): () => Promise<Keys> {
  const folder = env["INDELIBLE_LEDGER_KEYS"];
  if (folder !== undefined && folder !== "") return () => openLocalKeys(folder, origin, micros());
  const versions = required(env, "INDELIBLE_LEDGER_KMS_KEYS", "INDELIBLE_LEDGER_KEYS").split(",");
  const location = required(env, "INDELIBLE_LEDGER_KEY_LIST");
  const signers = versions.map((keyVersion) => once(() => openSigner({ keyVersion: keyVersion.trim(), origin })));
  return async () => {
    const opened = await Promise.all(signers.map((signer) => signer()));
    const list = parseKeyList(await readKeyList(location));
    const valid = keysAt(list, micros());
    const signing = opened.filter((signer) =>
      valid.some((key) => Buffer.compare(key.publicKey, verifierKeyOf(signer).publicKey) === 0),
    );
    if (signing.length === 0) {
      throw new IndelibleError(
        "ERR_KEY",
        `no key of INDELIBLE_LEDGER_KMS_KEYS is in the list ${location} and valid now`,
        {
          hint: "Set the clock right; if it is right, add the public key to the list, or name the key that the list has (docs/sealing.md).",
        },
      );
    }
    return { list, signers: signing };
  };
}

/** The text of a list of keys: a file, or an object as `gs://bucket/object`. @throws ERR_CONFIG, ERR_KEY, ERR_STORE */
export async function readKeyList(location: string): Promise<string> {
  if (!location.startsWith("gs://")) {
    try {
      return await readFile(location, "utf8");
    } catch (cause) {
      throw new IndelibleError("ERR_KEY", `the list of keys ${location} cannot be read`, { cause });
    }
  }
  const [, bucket, name] = /^(gs:\/\/[^/]+)\/(.+)$/.exec(location) ?? [];
  if (bucket === undefined || name === undefined || !isObjectName(name)) {
    throw new IndelibleError("ERR_CONFIG", `${JSON.stringify(location)} is no object of a bucket`, {
      hint: "Give the list of keys as gs://BUCKET/OBJECT, of letters, digits, dots, dashes and underscores, or as a file.",
    });
  }
  const store = await openGcsStore({ location: bucket });
  const data = await store.read(name);
  if (data === undefined) throw new IndelibleError("ERR_KEY", `there is no list of keys ${location}`);
  return Buffer.from(data).toString();
}

/**
 * Reads the raw tables: `INDELIBLE_DATASET`, `BIGQUERY_STORAGE_HOST` and `INDELIBLE_WAREHOUSE_TOKEN` as above.
 * @throws ERR_CONFIG
 */
export function readerFromEnvironment(env: NodeJS.ProcessEnv, projectId: string): RowReader {
  const host = env["BIGQUERY_STORAGE_HOST"];
  return storageRowReader({
    projectId,
    datasetId: datasetsFromEnvironment(env).raw,
    ...(host !== undefined && { host, token: warehouseToken(env) }),
  });
}

function micros(): bigint {
  return BigInt(Date.now()) * 1000n;
}

function required(env: NodeJS.ProcessEnv, name: string, alternative?: string): string {
  const value = env[name];
  if (value !== undefined && value !== "") return value;
  const names = alternative === undefined ? name : `${alternative} or ${name}`;
  throw new IndelibleError("ERR_CONFIG", `${names} is not set`, {
    hint: "docs/sealing.md lists what the sealer needs.",
  });
}

function seconds(env: NodeJS.ProcessEnv, name: string): number | undefined {
  const text = env[name];
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,7}$/.test(text)) return Number(text) * 1000;
  throw new IndelibleError("ERR_CONFIG", `${name} is ${JSON.stringify(text)}`, {
    hint: "Give it a whole number of seconds.",
  });
}
