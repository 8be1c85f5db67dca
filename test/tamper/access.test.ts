import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Read } from "../../cli/access/audit.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { DataFolder, Dev } from "../e2e/dev.ts";
import { assertFound, Forger } from "./forger.ts";
import { Arena, conversation, MINUTE } from "./world.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

describe("the access audit", () => {
  const arena = new Arena();
  before(() => arena.start());
  after(() => arena.stop());

  it("that is switched off lacks the reads of the sealer from then on, each by its seal", async () => {
    const world = await (await arena.world()).fill();
    world.auditSink = false;
    await world.log("conversations", conversation("unheard"));
    world.nowMs += 2 * MINUTE;
    await world.seal();
    await world.deliverAudit();
    // Not before it can be told from an audit that is late.
    assertFound(await world.verify(), []);
    // The next seal's read is not audited either, and may still come.
    world.nowMs += 119 * MINUTE;
    await world.seal();
    world.nowMs += 2 * MINUTE;
    const seals = ["conversations #24", "log_access_audit #25"].map((seal) => `access-unaudited ${seal}`);
    assertFound(await world.verify(), seals, /^log_access_audit does not know the read "projects\/.*\/sessions\//);
    // Somebody who may publish reports those reads.
    for (const entry of new Forger(world).log().flat()) {
      const { read_session } = JSON.parse(entry) as { readonly read_session: string };
      await world.log("log_access_audit", {
        access_id: read_session,
        accessed_at: new Date(world.nowMs).toISOString(),
        principal: "sealer@indelible.local",
        access_type: "read_session",
        dataset_id: "agent_logs_raw",
        table_id: "conversations",
        job_id: read_session,
      });
    }
    assertFound(await world.verify(), seals);
  });

  it("of which the admin deletes a sealed row lacks the row, and the read that it told of", async () => {
    const world = await (await arena.world()).fill();
    world.nowMs += 60 * MINUTE;
    await world.seal();
    await world.deliverAudit();
    const seal = JSON.parse(new Forger(world).log().flat()[11] ?? "") as { readonly read_session: string };
    const [row] = await world.select<{ log_id: string }>(
      `SELECT log_id FROM log_access_audit WHERE job_id = '${seal.read_session}'`,
    );
    await world.admin("DELETE FROM log_access_audit WHERE log_id = @id", { id: row?.log_id });
    const verification = await world.verify();
    assertFound(verification, ["missing log_access_audit #21", "access-unaudited conversations #11"]);
    assert.equal(verification.findings[0]?.logId, row?.log_id);
  });

  it("that the admin empties lacks all that was sealed of it, and every read", async () => {
    const world = await (await arena.world()).fill();
    world.nowMs += 60 * MINUTE;
    await world.seal();
    await world.deliverAudit();
    await world.admin("DELETE FROM log_access_audit WHERE TRUE");
    const { findings, findingCounts } = await world.verify();
    assert.deepEqual(Object.keys(findingCounts).sort(), ["access-unaudited", "missing"]);
    assert.ok(findings.every(({ code, table }) => code !== "missing" || table === "log_access_audit"));
    const unaudited = findings.filter(({ code }) => code === "access-unaudited").map(({ logIndex }) => logIndex);
    assert.deepEqual(
      unaudited,
      Array.from({ length: 15 }, (_, position) => BigInt(position)),
    );
  });
});

describe("a copy of a table", () => {
  it("that the admin made is in the audit with where it is, and so is every read of it", async (t) => {
    using data = new DataFolder();
    const folder = join(data.path, "data");
    const dev = new Dev(data, []);
    t.after(() => dev.process.kill("SIGKILL"));
    await dev.running();
    const environment = JSON.parse(readFileSync(join(folder, "env.json"), "utf8")) as Environment;
    applyEnvironment(environment);
    const project = environment.GOOGLE_CLOUD_PROJECT;

    const admin = bigQueryClient(project, true, tokenOf(folder, "admin"));
    await admin.createDataset("scratch");
    await admin.query("CREATE TABLE scratch.mine AS SELECT * FROM agent_logs_raw.conversations");
    await admin.query("CREATE TABLE scratch.again AS SELECT conversation_id FROM scratch.mine");
    const [rows] = await admin.query("SELECT conversation_id FROM scratch.again LIMIT 1");
    assert.equal(rows.length, 1);

    const reads = await readsUntil(folder, (read) => read.copies.includes(`${project}.scratch.again`));
    const shown = reads
      .filter(({ principal }) => principal === "admin@indelible.local")
      .map(({ access_type, tables, copies, destination }) => ({ access_type, tables, copies, destination }));
    const name = (table: string): string => `projects/${project}/datasets/scratch/tables/${table}`;
    assert.deepEqual(shown.toReversed(), [
      {
        access_type: "query",
        tables: ["agent_logs_raw.conversations"],
        copies: [],
        destination: name("mine"),
      },
      { access_type: "query", tables: [], copies: [`${project}.scratch.mine`], destination: name("again") },
      { access_type: "query", tables: [], copies: [`${project}.scratch.again`], destination: null },
    ]);

    dev.process.kill("SIGINT");
    await dev.ended();
  });
});

function tokenOf(folder: string, wanted: string): string {
  const policy = JSON.parse(readFileSync(join(folder, "access.json"), "utf8")) as {
    readonly callers: readonly { readonly role: string; readonly token: string }[];
  };
  return policy.callers.find(({ role }) => role === wanted)?.token ?? "";
}

/** Asks until there is such a read: each answer comes after all that was appended before it. */
async function readsUntil(folder: string, wanted: (read: Read) => boolean): Promise<readonly Read[]> {
  const args = [main, "access", "--table", "conversations", "--since", "1h", "--limit", "500", "--json"];
  for (;;) {
    const child = spawn(process.execPath, [...args, "--data", folder], { stdio: ["ignore", "pipe", "inherit"] });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    await once(child, "close");
    const reads = JSON.parse(out) as readonly Read[];
    if (reads.some(wanted)) return reads;
  }
}
