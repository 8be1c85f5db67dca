import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { PubSub } from "@google-cloud/pubsub";
import type { Read } from "../../cli/access/audit.ts";
import { bigQueryClient } from "../../cli/clients.ts";
import { applyEnvironment, type Environment } from "../../cli/environment.ts";
import { roleToken } from "../../cli/role-token.ts";
import { DataFolder, Dev } from "./dev.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

describe("who read the log", () => {
  it("is answered for queries with their purpose, listings, copies, and reads of copies", async (t) => {
    using data = new DataFolder();
    const folder = join(data.path, "data");
    const dev = new Dev(data, []);
    t.after(() => dev.process.kill("SIGKILL"));
    await dev.running();
    const environment = JSON.parse(readFileSync(join(folder, "env.json"), "utf8")) as Environment;
    applyEnvironment(environment);
    const project = environment.GOOGLE_CLOUD_PROJECT;

    async function indelible(...args: string[]): Promise<string> {
      const child = spawn(process.execPath, [main, ...args, "--data", folder], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      await once(child, "close");
      return out;
    }
    /** Asks until there is such a read: each answer comes after all that was appended before it. */
    async function find(
      wanted: (read: Read) => boolean,
      table: readonly string[] = ["--table", "conversations"],
    ): Promise<Read> {
      for (;;) {
        const text = await indelible("access", ...table, "--since", "1h", "--limit", "500", "--json");
        const found = (JSON.parse(text) as Read[]).find(wanted);
        if (found !== undefined) return found;
      }
    }

    const purpose = "Rechnung 4711, auf Bitten von J. Doe";
    const statement = "SELECT conversation_id FROM conversations_history LIMIT 3";
    await indelible("query", statement, "--purpose", purpose);
    const asked = await find((read) => read.purpose === purpose);
    assert.deepEqual(
      [asked.access_type, asked.statement, asked.rows_read, asked.caller_ip, asked.principal],
      ["query", statement, 3, "127.0.0.1", "anonymous@localhost"],
    );
    assert.deepEqual(asked.tables, ["agent_logs.conversations_history", "agent_logs_raw.conversations"]);
    assert.match(asked.caller_user_agent ?? "", /gcloud-node-bigquery/);

    await bigQueryClient(project, true, roleToken(folder, "auditor"))
      .dataset("agent_logs_raw")
      .table("conversations")
      .getRows({ maxResults: 1 });
    const listed = await find((read) => read.access_type === "list");
    assert.deepEqual(listed.tables, ["agent_logs_raw.conversations"]);

    // What this warehouse has no jobs for, as BigQuery tells of it.
    const pubsub = new PubSub({ projectId: project });
    t.after(() => pubsub.close());
    const source = `projects/${project}/datasets/agent_logs_raw/tables/conversations`;
    const copy = `projects/${project}/datasets/scratch/tables/mine`;
    const records = [
      copyRecord("copy", project, source, copy),
      record("list", { resourceName: copy, metadata: { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } } }),
    ];
    for (const one of records) await pubsub.topic("agent-logs.bigquery-audit").publishMessage({ json: one });
    const copied = await find((read) => read.access_type === "copy");
    assert.deepEqual([copied.tables, copied.destination], [["agent_logs_raw.conversations"], copy]);
    const readOfCopy = await find((read) => read.copies.length > 0);
    assert.deepEqual([readOfCopy.copies, readOfCopy.principal], [[`${project}.scratch.mine`], "thief@acme.example"]);

    // A part of a table is written, and the whole is read. What is put back into the log itself is no copy.
    const parts = `projects/${project}/datasets/scratch/tables/parts`;
    const restored = source.replace("conversations", "thinking_logs");
    const further = [
      copyRecord("part", project, copy, `${parts}$20260101`),
      record("parts", { resourceName: parts, metadata: { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } } }),
      copyRecord("restored", project, source, restored),
      record("own", { resourceName: restored, metadata: { tableDataRead: { reason: "TABLEDATA_LIST_REQUEST" } } }),
    ];
    for (const one of further) await pubsub.topic("agent-logs.bigquery-audit").publishMessage({ json: one });
    const ofParts = await find((read) => read.copies.includes(`${project}.scratch.parts`));
    assert.equal(ofParts.access_type, "list");
    const own = await find(
      ({ access_type, tables, copies }) =>
        access_type === "list" && [...tables, ...copies].some((name) => name.endsWith("agent_logs_raw.thinking_logs")),
      [],
    );
    assert.deepEqual([own.tables, own.copies], [["agent_logs_raw.thinking_logs"], []]);

    dev.process.kill("SIGINT");
    await dev.ended();
  });
});

function copyRecord(insertId: string, project: string, source: string, destination: string): object {
  const jobConfig = { type: "COPY", tableCopyConfig: { sourceTables: [source], destinationTable: destination } };
  const job = { jobName: `projects/${project}/jobs/${insertId}`, jobConfig };
  return record(insertId, { metadata: { jobChange: { after: "DONE", job } } });
}

function record(insertId: string, payload: object): object {
  return {
    insertId,
    logName: "projects/p/logs/cloudaudit.googleapis.com%2Fdata_access",
    timestamp: new Date().toISOString(),
    protoPayload: { authenticationInfo: { principalEmail: "thief@acme.example" }, ...payload },
  };
}
