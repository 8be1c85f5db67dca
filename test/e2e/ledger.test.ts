import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { verify } from "@indelible/ledger/verify.ts";
import { accessAuditTopic, pushSubscriptionOf } from "@indelible/schemas/names.ts";
import { bigQueryClient, pubSubClient } from "../../cli/clients.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { verificationFor } from "../../cli/ledger-environment.ts";
import { ledgerFolders } from "../../cli/ledger-folders.ts";
import { roleToken } from "../../cli/role-token.ts";
import { DataFolder, Dev } from "./dev.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** A command as a person runs it, with the data folder of the running stack. */
async function indelible(
  data: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  input?: string,
): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args, "--data", data], {
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(input ?? "");
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}

describe("the ledger of a running stack", () => {
  const folder = new DataFolder();
  const data = join(folder.path, "data");
  const proof = join(folder.path, "proof.json");
  let dev: Dev;
  /** Of two conversations of the sample. */
  let [first, second] = ["", ""];
  before(async () => {
    dev = new Dev(folder, []);
    await dev.running();
    applyEnvironment(JSON.parse(readFileSync(join(data, "env.json"), "utf8")) as Environment);
  });
  after(async () => {
    dev.process.kill("SIGINT");
    await dev.ended();
    folder[Symbol.dispose]();
  });
  const seal = async (...more: string[]): Promise<{ readonly rows: number }> => {
    const { out, errors } = await indelible(data, ["seal", "--margin", "0", "--json", ...more]);
    if (out === "") throw new Error(errors);
    return JSON.parse(out) as { rows: number };
  };
  /** Codes that the library finds when the audit of reads has no time to come late. */
  const unaudited = async (): Promise<readonly bigint[]> => {
    const { close, ...sources } = await verificationFor(data);
    try {
      const now = (): bigint => BigInt(Date.now()) * 1000n;
      const { findings } = await verify({ ...sources, now, limits: { auditLagMs: 0 } });
      return findings.filter(({ code }) => code === "access-unaudited").map(({ logIndex = -1n }) => logIndex);
    } finally {
      await close();
    }
  };

  it("seals, verifies and proves the sample", async () => {
    const tooEarly = await indelible(data, ["verify"]);
    assert.equal(tooEarly.code, 1);
    assert.match(tooEarly.errors + tooEarly.out, /nothing has been sealed yet|Not verified/);

    const sealed = await seal();
    assert.ok(sealed.rows >= 101, `${sealed.rows} rows`);
    const verified = await indelible(data, ["verify"]);
    assert.equal(verified.code, 0, verified.out + verified.errors);
    assert.match(verified.out, /^Verified: /m);

    const query = "SELECT log_id FROM conversations_history ORDER BY log_id LIMIT 2";
    const found = JSON.parse((await indelible(data, ["query", query])).out) as { log_id: string }[];
    [first = "", second = ""] = found.map((row) => row.log_id);
    assert.equal((await indelible(data, ["prove", first, "--out", proof])).code, 0);
    const checked = await indelible(data, ["verify-proof", proof]);
    assert.equal(checked.code, 0, checked.errors);
    assert.match(checked.out, /^Proved: /);
    const forged = join(folder.path, "forged.json");
    writeFileSync(
      forged,
      readFileSync(proof, "utf8").replace('\\"agent_position\\":\\"C', '\\"agent_position\\":\\"X'),
    );
    const refused = await indelible(data, ["verify-proof", forged]);
    assert.equal(refused.code, 1);
    assert.match(refused.errors, /ERR_PROOF: the entry does not have the hash of its row/);
  });

  it("proves it to somebody who has the proof and a public key, and nothing else", async () => {
    const elsewhere = join(folder.path, "elsewhere");
    mkdirSync(elsewhere);
    const keys = join(elsewhere, "published-keys.json");
    copyFileSync(join(ledgerFolders(data).keys, "keys.json"), keys);
    const text = readFileSync(proof, "utf8");
    const { keys: own } = JSON.parse(text) as { readonly keys: readonly string[] };
    const nothing = {
      PUBSUB_EMULATOR_HOST: "",
      BIGQUERY_EMULATOR_HOST: "",
      BIGQUERY_STORAGE_HOST: "",
      GOOGLE_CLOUD_PROJECT: "",
    };
    const check = (...args: string[]): Promise<Run> =>
      indelible(join(elsewhere, "no-stack"), ["verify-proof", ...args], nothing, text);

    for (const trusted of [keys, own[0] ?? ""]) {
      const { code, out, errors } = await check("-", "--keys", trusted);
      assert.equal(code, 0, errors);
      assert.match(out, new RegExp(`^Proved: [^]*\\bentry +${first} of conversations\\b`));
    }
    const { code, out } = await check(proof, "--keys", keys, "--json");
    const { proved, log_id, entry } = JSON.parse(out) as { proved: boolean; log_id: string; entry: { log_id: string } };
    assert.deepEqual([code, proved, log_id, entry.log_id], [0, true, first, first]);

    const untrusted = await check("-");
    assert.equal(untrusted.code, 1);
    assert.match(untrusted.out, /^Consistent, but not proved:/);
    const key = own[0] ?? "";
    const stranger = `${key.slice(0, -4)}${key.endsWith("AAA=") ? "BBB=" : "AAA="}`;
    const other = await check("-", "--keys", stranger);
    assert.equal(other.code, 1);
    assert.match(other.errors, /ERR_(KEY|PROOF)/);
  });

  it("rotates its key, after which both sign for a day, and what either has signed verifies", async () => {
    const keys = join(ledgerFolders(data).keys, "keys.json");
    const old = join(folder.path, "old-keys.json");
    copyFileSync(keys, old);
    await seal("--rotate-key");
    assert.equal((JSON.parse(readFileSync(keys, "utf8")) as { keys: object[] }).keys.length, 2);
    await emit("rotated");
    await seal();
    const verified = await indelible(data, ["verify"]);
    assert.equal(verified.code, 0, verified.out + verified.errors);
    const { out } = await indelible(data, [
      "query",
      "SELECT log_id FROM action_logs_history WHERE action_target = 'rotated'",
    ]);
    const [row] = JSON.parse(out) as { log_id: string }[];
    const later = join(folder.path, "later.json");
    assert.equal((await indelible(data, ["prove", row?.log_id ?? "", "--out", later])).code, 0);
    for (const trusted of [keys, old]) {
      const { code, errors } = await indelible(data, ["verify-proof", later, "--keys", trusted]);
      assert.equal(code, 0, errors);
    }
  });

  it("knows each read of the sealer by the access audit, and misses those after the sink was switched off", async () => {
    // Records come within a second or so.
    while ((await unaudited()).length > 0) await delay(200);
    const { GOOGLE_CLOUD_PROJECT: project = "" } = process.env;
    const pubsub = pubSubClient(project);
    await pubsub.subscription(pushSubscriptionOf(accessAuditTopic())).delete();
    await pubsub.close();
    const sealed = await newestSeal(data, project);
    await emit("unheard");
    await seal();
    const missed = await unaudited();
    assert.ok(missed.length > 0);
    assert.ok(
      missed.every((index) => index > sealed),
      `${missed.join()} after ${sealed}`,
    );
  });

  it("refuses a reader who deletes, and finds what the admin deletes", async () => {
    const statement = `DELETE FROM agent_logs_raw.conversations WHERE log_id = '${second}'`;
    const reader = await indelible(data, ["query", statement]);
    assert.equal(reader.code, 1);
    assert.match(reader.errors, /Access Denied/);
    const admin = { INDELIBLE_WAREHOUSE_TOKEN: roleToken(data, "admin") };
    const deleted = await indelible(data, ["query", statement], admin);
    assert.equal(deleted.code, 0, deleted.errors);

    const tampered = await indelible(data, ["verify", "--table", "conversations", "--json"]);
    assert.equal(tampered.code, 1);
    const { findings } = JSON.parse(tampered.out) as { findings: { code: string; table: string; logId: string }[] };
    assert.deepEqual(
      findings.filter(({ code }) => code === "missing").map(({ table, logId }) => [table, logId]),
      [["conversations", second]],
    );
    const unprovable = await indelible(data, ["prove", second]);
    assert.equal(unprovable.code, 1);
    assert.match(unprovable.errors, /ERR_NOT_FOUND/);
  });

  /** Logs an action and waits for its row. */
  async function emit(target: string): Promise<void> {
    const agent = ["emit", "--table", "action_logs", "--business-id", "acme", "--agent-position", "CFO"];
    const event = JSON.stringify({ action_id: target, action_target: target });
    const { code, errors } = await indelible(data, agent, {}, `${event}\n`);
    assert.equal(code, 0, errors);
    const query = `SELECT log_id FROM action_logs_history WHERE action_target = '${target}'`;
    while ((JSON.parse((await indelible(data, ["query", query])).out) as object[]).length === 0) await delay(100);
  }
});

describe("the sealer of npm start", () => {
  // The stack above is gone, and this process still says where it was.
  const elsewhere = { BIGQUERY_EMULATOR_HOST: "", PUBSUB_EMULATOR_HOST: "" };

  it("seals by itself within its minute", async (t) => {
    using folder = new DataFolder();
    const dev = new Dev(folder, [], { INDELIBLE_LEDGER_MARGIN_SECONDS: "0" });
    t.after(() => dev.process.kill("SIGKILL"));
    await dev.running();
    const data = join(folder.path, "data");
    const commits = join(ledgerFolders(data).store, "commits");
    while (!existsSync(commits) || readdirSync(commits).length === 0) await delay(500);
    const { code, out, errors } = await indelible(data, ["verify", "--table", "conversations"], elsewhere);
    assert.equal(code, 0, out + errors + dev.errors);
    dev.process.kill("SIGINT");
    await dev.ended();
  });
});

/** Position of the last seal, by the rows of `seals`. */
async function newestSeal(data: string, project: string): Promise<bigint> {
  const bigquery = bigQueryClient(project, true, roleToken(data, "auditor"));
  const [rows] = await bigquery.query("SELECT MAX(log_index) AS newest FROM agent_logs_raw.seals");
  return BigInt((rows as { newest: number }[])[0]?.newest ?? -1);
}
