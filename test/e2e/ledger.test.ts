import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { roleToken } from "../../cli/role-token.ts";
import { DataFolder, Dev } from "./dev.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

/** A command as a person runs it, with the data folder of the running stack. */
async function indelible(data: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn(process.execPath, [main, ...args, "--data", data], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, errors };
}

describe("the ledger of a running stack", () => {
  it("seals, verifies and proves the sample, and finds what the admin changes", async (t) => {
    using folder = new DataFolder();
    const data = join(folder.path, "data");
    const dev = new Dev(folder, []);
    t.after(() => dev.process.kill("SIGKILL"));
    await dev.running();

    const tooEarly = await indelible(data, ["verify"]);
    assert.equal(tooEarly.code, 1);
    assert.match(tooEarly.errors + tooEarly.out, /nothing has been sealed yet|Not verified/);

    const sealed = JSON.parse((await indelible(data, ["seal", "--margin", "0", "--json"])).out) as { rows: number };
    assert.ok(sealed.rows >= 101, `${sealed.rows} rows`);
    const verified = await indelible(data, ["verify"]);
    assert.equal(verified.code, 0, verified.out + verified.errors);
    assert.match(verified.out, /^Verified: /m);

    const query = "SELECT log_id FROM conversations_history ORDER BY log_id LIMIT 2";
    const found = JSON.parse((await indelible(data, ["query", query])).out) as { log_id: string }[];
    const [first = "", second = ""] = found.map((row) => row.log_id);
    const file = join(folder.path, "proof.json");
    assert.equal((await indelible(data, ["prove", first, "--out", file])).code, 0);
    const checked = await indelible(data, ["verify-proof", file]);
    assert.equal(checked.code, 0, checked.errors);
    assert.match(checked.out, /^Proved: /);
    writeFileSync(file, readFileSync(file, "utf8").replace('\\"agent_position\\":\\"C', '\\"agent_position\\":\\"X'));
    const forged = await indelible(data, ["verify-proof", file]);
    assert.equal(forged.code, 1);
    assert.match(forged.errors, /ERR_PROOF: the entry does not have the hash of its row/);

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
});
