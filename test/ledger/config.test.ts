import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it, type TestContext } from "node:test";
import { openStore, readerFromEnvironment, readKeyList, sealerFromEnvironment } from "@indelible/ledger/config.ts";
import type { SealerService } from "@indelible/ledger/config.ts";
import { serializeKeyList, type TrustedKey } from "@indelible/ledger/key-list.ts";
import { openKmsSigner } from "@indelible/ledger/kms-signer.ts";
import { openNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { latestCommit } from "@indelible/ledger/seal-log.ts";
import { seal } from "@indelible/ledger/seal.ts";
import { FakeGcs } from "./fake-gcs.ts";
import { FakeKms } from "./fake-kms.ts";
import { scriptedReadApi } from "./scripted-read-api.ts";
import { SealedWarehouse } from "./sealed-warehouse.ts";
import { testKey, testSigner } from "./test-keys.ts";

const origin = "indelible/p/agent_logs_raw";
const hour = 3_600_000_000n;
const now = (): bigint => BigInt(Date.now()) * 1000n;

let folder: string;
let gcs: FakeGcs;
before(async () => {
  gcs = new FakeGcs("bucket");
  process.env["STORAGE_EMULATOR_HOST"] = await gcs.start();
});
beforeEach((context) => {
  gcs.objects.clear();
  folder = mkdtempSync(join(tmpdir(), "indelible-config-"));
  (context as TestContext).after(() => rmSync(folder, { recursive: true, force: true }));
});
after(async () => {
  delete process.env["STORAGE_EMULATOR_HOST"];
  await gcs.stop();
});

const versionOf = (label: string): string =>
  `projects/p/locations/l/keyRings/r/cryptoKeys/${label}/cryptoKeyVersions/1`;

/** Cloud KMS with as many keys as are asked for, each the test key of its name. */
function kmsKeys(): FakeKms {
  return new FakeKms((name) => testKey(/cryptoKeys\/([^/]+)/.exec(name)?.[1] ?? ""));
}

function trusted(label: string, from = now() - hour, until?: bigint): TrustedKey {
  return { key: verifierKeyOf(testSigner(origin, label)), from, until };
}

/** Puts a list of keys where `location` says. */
function publish(location: string, ...keys: readonly TrustedKey[]): void {
  const data = Buffer.from(serializeKeyList({ origin, keys }));
  if (location.startsWith("gs://bucket/"))
    gcs.objects.set(location.slice("gs://bucket/".length), { data, metadata: {} });
  else writeFileSync(location, data);
}

function environment(changes: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return {
    GOOGLE_CLOUD_PROJECT: "p",
    BIGQUERY_STORAGE_HOST: "127.0.0.1:1",
    INDELIBLE_LEDGER_STORE: join(folder, "store"),
    INDELIBLE_LEDGER_KMS_KEYS: versionOf("a"),
    INDELIBLE_LEDGER_KEY_LIST: join(folder, "keys.json"),
    ...changes,
  };
}

function sealerWith(context: TestContext, kms: FakeKms, changes: NodeJS.ProcessEnv = {}): SealerService {
  const wait = async (): Promise<void> => {};
  const service = sealerFromEnvironment(environment(changes), (options) =>
    openKmsSigner({ ...options, client: kms, wait }),
  );
  context.after(() => service.close());
  return service;
}

/** Names of the test keys that sign. */
async function signing(service: SealerService, labels: readonly string[] = ["a", "b", "c", "d"]): Promise<string[]> {
  const { signers } = await service.options();
  return signers.map(({ publicKey }) => {
    const label = labels.find((known) => Buffer.compare(testSigner(origin, known).publicKey, publicKey) === 0);
    return label ?? "unknown";
  });
}

describe("sealerFromEnvironment()", () => {
  it("seals into a bucket, with keys of Cloud KMS, and shows the checkpoint to a witness in a bucket", async (context) => {
    const list = "gs://bucket/public/keys.json";
    publish(list, trusted("a"));
    const service = sealerWith(context, kmsKeys(), {
      INDELIBLE_LEDGER_STORE: "gs://bucket/log",
      INDELIBLE_LEDGER_WITNESS: "gs://bucket/witnessed",
      INDELIBLE_LEDGER_KEY_LIST: list,
    });
    const options = await service.options();
    const warehouse = new SealedWarehouse();
    warehouse.log(1, now() - hour);
    const rows = { append: async () => {}, complete: async () => undefined };
    const report = await seal({ ...options, reader: warehouse, rows });
    assert.deepEqual([report.commitNumber, report.rows, report.witnessFailure], [0, 1, undefined]);

    const { commit } = (await latestCommit(await openStore("gs://bucket/log"), options.keys)) ?? {};
    const { signedBy } = openNote(commit?.checkpoint ?? "", [trusted("a").key]);
    assert.deepEqual(signedBy, [trusted("a").key]);
    const witnessed = gcs.objects.get("witnessed/witness/000000000000")?.data;
    assert.equal(String(witnessed), commit?.checkpoint);
  });

  for (const where of ["a file", "a bucket"] as const) {
    it(`lets those keys sign that are in the list and valid now, and reads the list in ${where} for each run`, async (context) => {
      const list = where === "a file" ? join(folder, "keys.json") : "gs://bucket/keys.json";
      const kms = kmsKeys();
      const service = sealerWith(context, kms, {
        INDELIBLE_LEDGER_KMS_KEYS: ["a", "b", "c", "d"].map(versionOf).join(", "),
        INDELIBLE_LEDGER_KEY_LIST: list,
      });
      const [past, future] = [now() - hour, now() + hour];
      publish(list, trusted("a", past), trusted("b", past - hour, past), trusted("c", future));
      assert.deepEqual(await signing(service), ["a"]);
      publish(list, trusted("a", past), trusted("c", past), trusted("other", past));
      assert.deepEqual(await signing(service), ["a", "c"]);
      assert.deepEqual(
        (await service.options()).keys.keys.map(({ key }) => key),
        ["a", "c", "other"].map((label) => trusted(label).key),
      );
      publish(list, trusted("b", past, future));
      assert.deepEqual(await signing(service), ["b"]);
      publish(list, trusted("other", past));
      await assert.rejects(service.options(), {
        code: "ERR_KEY",
        message: /no key of INDELIBLE_LEDGER_KMS_KEYS is in/,
      });
      assert.equal(kms.calls, 4, "each key is opened once");
    });
  }

  it("opens a key of Cloud KMS again when that failed, and those that are open not again", async (context) => {
    publish(join(folder, "keys.json"), trusted("a"), trusted("b"));
    const kms = kmsKeys();
    const service = sealerWith(context, kms, { INDELIBLE_LEDGER_KMS_KEYS: ["a", "b"].map(versionOf).join(",") });
    const denied = Object.assign(new Error("not yet"), { code: 7 });
    kms.failures.push(denied);
    await assert.rejects(service.options(), { code: "ERR_KEY", message: /cryptoKeys\/a\/.*not yet/ });
    assert.deepEqual(await signing(service), ["a", "b"]);
    assert.equal(kms.calls, 3);
    assert.deepEqual(await signing(service), ["a", "b"]);
    assert.equal(kms.calls, 3);
  });

  for (const name of ["INDELIBLE_LEDGER_STORE", "INDELIBLE_LEDGER_WITNESS"] as const) {
    it(`opens what ${name} names again when that failed`, async (context) => {
      publish(join(folder, "keys.json"), trusted("a"));
      const service = sealerWith(context, kmsKeys(), { [name]: "relative" });
      const home = process.cwd();
      const gone = join(folder, "gone");
      mkdirSync(gone);
      process.chdir(gone);
      // A relative path means nothing in a folder that has been removed.
      try {
        rmSync(gone, { recursive: true });
        await assert.rejects(service.options(), { code: "ENOENT" });
        process.chdir(folder);
        const { store, witness } = await service.options();
        if (name === "INDELIBLE_LEDGER_STORE") assert.equal(store.location, join(folder, "relative"));
        else assert.equal(await witness?.latest(), undefined);
        assert.equal((await service.options()).store, store, "what is open is opened once");
      } finally {
        process.chdir(home);
      }
    });
  }

  it("reads the settings of time, and has no witness unless one is named", async (context) => {
    publish(join(folder, "keys.json"), trusted("a"));
    const defaults = await sealerWith(context, kmsKeys(), { INDELIBLE_LEDGER_WITNESS: "" }).options();
    assert.deepEqual([defaults.witness, defaults.marginMs, defaults.heartbeatMs], [undefined, undefined, undefined]);
    const { marginMs, heartbeatMs } = await sealerWith(context, kmsKeys(), {
      INDELIBLE_LEDGER_MARGIN_SECONDS: "90",
      INDELIBLE_LEDGER_HEARTBEAT_SECONDS: "300",
    }).options();
    assert.deepEqual([marginMs, heartbeatMs], [90_000, 300_000]);
    for (const name of ["INDELIBLE_LEDGER_MARGIN_SECONDS", "INDELIBLE_LEDGER_HEARTBEAT_SECONDS"]) {
      assert.throws(() => sealerFromEnvironment(environment({ [name]: "1.5" })), {
        code: "ERR_CONFIG",
        message: `${name} is "1.5"`,
      });
    }
  });

  for (const [name, message] of [
    ["GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT is not set"],
    ["INDELIBLE_LEDGER_STORE", "INDELIBLE_LEDGER_STORE is not set"],
    ["INDELIBLE_LEDGER_KMS_KEYS", "INDELIBLE_LEDGER_KEYS or INDELIBLE_LEDGER_KMS_KEYS is not set"],
    ["INDELIBLE_LEDGER_KEY_LIST", "INDELIBLE_LEDGER_KEY_LIST is not set"],
  ] as const) {
    it(`says at once that ${name} is missing, or empty`, () => {
      for (const value of [undefined, ""]) {
        assert.throws(() => sealerFromEnvironment(environment({ [name]: value })), {
          code: "ERR_CONFIG",
          message,
          hint: /docs\/sealing\.md/,
        });
      }
    });
  }
});

describe("openStore()", () => {
  it("opens a bucket or a folder, as the address says", async () => {
    for (const location of ["gs://bucket/some/log", join(folder, "store")]) {
      const store = await openStore(location);
      assert.equal(store.location, location);
      assert.equal(await store.create("a/b", Buffer.from("data")), true);
      assert.deepEqual(Buffer.from((await store.read("a/b")) ?? []), Buffer.from("data"));
    }
    assert.deepEqual([...gcs.objects.keys()], ["some/log/a/b"]);
  });
});

describe("readKeyList()", () => {
  it("reads a file, or an object at any depth of a bucket", async () => {
    for (const location of [join(folder, "keys.json"), "gs://bucket/keys.json", "gs://bucket/a/b/keys.json"]) {
      publish(location, trusted("a", hour));
      assert.equal(await readKeyList(location), serializeKeyList({ origin, keys: [trusted("a", hour)] }));
    }
  });

  it("names the list that is not there", async () => {
    for (const location of [join(folder, "keys.json"), "gs://bucket/a/keys.json"]) {
      await assert.rejects(readKeyList(location), { code: "ERR_KEY", message: new RegExp(`list of keys ${location}`) });
    }
    await assert.rejects(readKeyList("gs://other-bucket/keys.json"), {
      code: "ERR_STORE",
      message: /bucket does not exist/,
    });
  });

  it("refuses an address that is no object's, and repeats it", async () => {
    for (const location of ["gs://", "gs://bucket", "gs://bucket/", "gs://bucket/a b.json", "gs://bucket/a/../b"]) {
      await assert.rejects(
        readKeyList(location),
        (error: { code?: string; message: string }) =>
          error.code === "ERR_CONFIG" && error.message.includes(JSON.stringify(location)),
        location,
      );
    }
  });
});

describe("readerFromEnvironment()", () => {
  it("sends a local warehouse the token, and none when it is empty", async (context) => {
    for (const [token, sent] of [
      ["secret", ["Bearer secret"]],
      ["", []],
      [undefined, []],
    ] as const) {
      const { host, calls } = await scriptedReadApi(context, { answers: [{ batches: [1] }] });
      const env = environment({ BIGQUERY_STORAGE_HOST: host, INDELIBLE_WAREHOUSE_TOKEN: token });
      const reader = readerFromEnvironment(env, "p");
      context.after(() => reader.close());
      const read = await reader.read({ table: "conversations", columns: ["n"] });
      for await (const _ of read?.batches ?? []);
      assert.deepEqual(calls[0]?.metadata.get("authorization"), sent);
    }
  });

  it("refuses what is no name of a dataset", () => {
    const env = environment({ INDELIBLE_DATASET: "staging-raw" });
    assert.throws(() => readerFromEnvironment(env, "p"), { code: "ERR_CONFIG", message: /^INDELIBLE_DATASET is / });
  });

  it("refuses a token that no header can hold, and does not repeat it", () => {
    const env = environment({ INDELIBLE_WAREHOUSE_TOKEN: "secret\n" });
    assert.throws(
      () => readerFromEnvironment(env, "p"),
      (error: Error & { code?: string }) => error.code === "ERR_CONFIG" && !error.message.includes("secret"),
    );
  });
});
