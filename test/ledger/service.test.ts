import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { bigQueryClient } from "../../cli/clients.ts";
import { provisionWarehouse } from "../../cli/dev/provision.ts";
import { startService, type ServiceProcess } from "../processes.ts";

describe("the sealer as a service", () => {
  const folder = mkdtempSync(join(tmpdir(), "indelible-sealer-"));
  let warehouse: ServiceProcess;
  let sealer: ServiceProcess;
  const environment = (): { readonly [name: string]: string } => ({
    GOOGLE_CLOUD_PROJECT: "sealer-test",
    BIGQUERY_STORAGE_HOST: `127.0.0.1:${warehouse.ready.grpcPort}`,
    INDELIBLE_LEDGER_STORE: join(folder, "store"),
    INDELIBLE_LEDGER_WITNESS: join(folder, "witness"),
    INDELIBLE_LEDGER_KEYS: join(folder, "keys"),
  });
  const send = (method: string, path: string, headers: { [name: string]: string } = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${sealer.ready.port}${path}`, { method, headers });
  const json = { "content-type": "application/json" };
  const commits = (): string[] => readdirSync(join(folder, "store", "commits"));

  before(async () => {
    const args = ["--data", join(folder, "warehouse"), "--port", "0", "--grpc-port", "0"];
    warehouse = await startService("local/bigquery/main.ts", args);
    process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
    await provisionWarehouse(bigQueryClient("sealer-test", true));
    sealer = await startService("ledger/main.ts", ["--port", "0", "--every", "3600"], environment());
  });
  after(async () => {
    await sealer?.stop();
    await warehouse?.stop();
    rmSync(folder, { recursive: true });
  });

  it("seals when it is asked to, and says what it did", async () => {
    const response = await send("POST", "/seal", json);
    assert.equal(response.status, 200);
    const { commitNumber, seals, rows, logSize, witness } = (await response.json()) as { [name: string]: unknown };
    assert.deepEqual([commitNumber, rows, String(seals) === logSize, witness], [0, 0, true, "ok"]);
    assert.equal(commits().length, 1);
    const health = (await (await send("GET", "/healthz")).json()) as { [name: string]: unknown };
    assert.equal(typeof health["lastSuccessMs"], "number");
  });

  it("answers those who ask at once by one run", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => send("POST", "/seal", json)));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(commits().length, 1, "nothing came in meanwhile");
  });

  it("answers 503 when it may be tried again, and 500 when somebody has to look", async () => {
    const answers = async (settings: { readonly [name: string]: string }): Promise<readonly unknown[]> => {
      const service = await startService("ledger/main.ts", ["--port", "0", "--every", "3600"], {
        ...environment(),
        ...settings,
      });
      const url = `http://127.0.0.1:${service.ready.port}/seal`;
      const response = await fetch(url, { method: "POST", headers: json });
      await service.stop();
      return [response.status, await response.json()];
    };
    const file = join(folder, "file");
    writeFileSync(file, "");
    const unusable = {
      INDELIBLE_LEDGER_STORE: join(file, "store"),
      INDELIBLE_LEDGER_WITNESS: "",
      INDELIBLE_LEDGER_ORIGIN: "of.its/own",
      INDELIBLE_LEDGER_KEYS: join(folder, "own-keys"),
    };
    assert.deepEqual(await answers(unusable), [503, { error: "ERR_STORE" }]);

    // A store without the commits that table seals tells of.
    const empty = { INDELIBLE_LEDGER_STORE: join(folder, "empty"), INDELIBLE_LEDGER_WITNESS: "" };
    assert.deepEqual(await answers(empty), [500, { error: "ERR_CHECKPOINT" }]);
  });

  it("refuses what a web page could send, and names other than its own", async () => {
    assert.equal((await send("POST", "/seal")).status, 404);
    assert.equal((await send("GET", "/seal")).status, 404);
  });

  it("seals by itself, and ends when it is told to", async () => {
    const other = {
      ...environment(),
      INDELIBLE_LEDGER_ORIGIN: "other",
      INDELIBLE_LEDGER_STORE: join(folder, "other"),
      INDELIBLE_LEDGER_WITNESS: "",
      INDELIBLE_LEDGER_KEYS: join(folder, "other-keys"),
    };
    const service = await startService("ledger/main.ts", ["--port", "0", "--every", "0.2"], other);
    const lines = service.process.stderr as NodeJS.ReadableStream;
    while (!service.errors().includes('"message":"sealed"'))
      await new Promise((resolve) => lines.once("data", resolve));
    await service.stop();
    assert.equal(service.process.exitCode, 0);
    assert.equal(readdirSync(join(folder, "other", "commits")).length, 1);
  });

  it("says what is missing in its settings", async () => {
    const { INDELIBLE_LEDGER_STORE: _, ...incomplete } = environment();
    await assert.rejects(
      startService("ledger/main.ts", ["--port", "0"], incomplete),
      /INDELIBLE_LEDGER_STORE is not set/,
    );
  });
});
