import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseKeyList } from "@indelible/ledger/key-list.ts";
import { openLocalKeys } from "@indelible/ledger/local-keys.ts";
import { formatVerifierKey, verifierKeyOf } from "@indelible/ledger/note.ts";
import { seal, type SealOptions } from "@indelible/ledger/seal.ts";
import { sealAll } from "@indelible/ledger/sealer.ts";
import { MemoryStore } from "../ledger/memory-store.ts";
import { SealedWarehouse } from "../ledger/sealed-warehouse.ts";
import { testSigner } from "../ledger/test-keys.ts";

const origin = "indelible/test/agent_logs_raw";
const startMs = Date.parse("2026-06-01T12:00:00Z");

/** Five rows, each in a window of its own, two windows a commit. */
function fiveWindows(): SealOptions {
  const warehouse = new SealedWarehouse();
  for (let number = 1; number <= 5; number += 1) warehouse.log(number, BigInt(startMs + number * 1000) * 1000n);
  const signer = testSigner(origin, "first");
  const vkey = formatVerifierKey(verifierKeyOf(signer));
  const keys = parseKeyList(
    JSON.stringify({ format: "indelible-keys/1", origin, keys: [{ vkey, from: "2026-01-01T00:00:00Z" }] }),
  );
  return {
    reader: warehouse,
    store: new MemoryStore(),
    keys,
    signers: [signer],
    rows: { append: () => Promise.resolve(), complete: () => Promise.resolve(undefined) },
    tables: ["conversations"],
    now: () => startMs + 120_000,
    maxWindowRows: 1,
    maxSeals: 2,
  };
}

describe("sealAll()", () => {
  it("goes on until nothing is left, and adds up what all commits took", async () => {
    const options = fiveWindows();
    let asked = 0;
    const report = await sealAll(async () => {
      asked += 1;
      return options;
    });
    const { rows, seals, more, commitNumber, logSize } = report;
    assert.equal(rows, 5);
    assert.deepEqual([more, BigInt(seals)], [false, logSize]);
    assert.equal(commitNumber, Math.ceil(seals / 2) - 1);
    assert.ok(asked > 2, `${asked} commits`);
    assert.equal((await sealAll(async () => options)).commitNumber, undefined);
  });

  it("goes on after another sealer that was faster, as often as it may", async () => {
    const options = fiveWindows();
    const { reader } = options;
    let others = 1;
    const overtaken: SealOptions = {
      ...options,
      reader: {
        ...reader,
        read: async (request) => {
          if (others > 0) {
            others -= 1;
            await seal({ ...options, maxSeals: 1 });
          }
          return reader.read(request);
        },
      },
    };
    await assert.rejects(
      sealAll(async () => overtaken),
      { code: "ERR_SEAL_CONFLICT" },
    );
    others = 1;
    await sealAll(async () => overtaken, 1);
    assert.equal((await sealAll(async () => options)).commitNumber, undefined);
  });

  it("ends between two commits when it is interrupted, and what is sealed stays so", async () => {
    const options = fiveWindows();
    const controller = new AbortController();
    let asked = 0;
    const interrupted = sealAll(async () => {
      asked += 1;
      if (asked === 2) controller.abort();
      return { ...options, signal: controller.signal };
    });
    await assert.rejects(interrupted, { name: "AbortError" });
    const rest = await sealAll(async () => options);
    assert.ok(rest.rows > 0 && rest.rows < 5, `${rest.rows} rows`);
  });
});

describe("indelible seal", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-seal-"));
  after(() => rmSync(folder, { recursive: true }));
  const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
  async function run(data: string, ...args: string[]): Promise<{ code: number | null; errors: string }> {
    const env = {
      ...process.env,
      BIGQUERY_EMULATOR_HOST: "http://127.0.0.1:1",
      BIGQUERY_STORAGE_HOST: "127.0.0.1:1",
      GOOGLE_CLOUD_PROJECT: "p",
    };
    const child = spawn(process.execPath, [main, "seal", ...args, "--data", data], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, errors };
  }

  it("--rotate-key makes no key where the sealer could not seal by it", async () => {
    const data = join(folder, "other-log");
    const keys = join(data, "ledger", "keys");
    await openLocalKeys(keys, "indelible/other/agent_logs_raw", BigInt(Date.now()) * 1000n);
    const list = readFileSync(join(keys, "keys.json"), "utf8");
    const { code, errors } = await run(data, "--rotate-key");
    assert.equal(code, 1);
    assert.match(errors, /ERR_KEY: the keys in .* are of the log indelible\/other\/agent_logs_raw/);
    assert.equal(readFileSync(join(keys, "keys.json"), "utf8"), list);
    assert.ok(!existsSync(join(keys, "key-2.pem")));
  });

  it("--rotate-key says that there is a new key, also when sealing fails after that", async () => {
    const data = join(folder, "no-warehouse");
    const keys = join(data, "ledger", "keys");
    await openLocalKeys(keys, "indelible/p/agent_logs_raw", BigInt(Date.now()) * 1000n);
    const { code, errors } = await run(data, "--rotate-key");
    assert.equal(code, 1);
    assert.match(errors, /^A new key signs from now on, .*There are 2 keys.*\n.*ERR_READ/);
  });
});
