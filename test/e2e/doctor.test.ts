import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RAW_DATASET, VIEWS_DATASET } from "@indelible/schemas/names.ts";
import type { Check } from "../../cli/doctor/check.ts";
import { DataFolder, Dev } from "./dev.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const { BIGQUERY_EMULATOR_HOST: _b, PUBSUB_EMULATOR_HOST: _p, GOOGLE_CLOUD_PROJECT: _g, ...inherited } = process.env;

describe("indelible doctor on an installation of one machine", () => {
  it("finds what is broken, says what repairs it, and is content when that is done", async () => {
    using data = new DataFolder();
    await using stacks = new AsyncDisposableStack();
    const folder = join(data.path, "data");
    const asked = async (): Promise<{ exitCode: number; checks: Check[] }> => {
      // Empty ones count as unset.
      const env = { ...inherited, HOME: data.path, BIGQUERY_EMULATOR_HOST: "", PUBSUB_EMULATOR_HOST: "" };
      const options = { cwd: data.path, env, encoding: "utf8" } as const;
      return promisify(execFile)(process.execPath, [main, "doctor", "--data", folder], options).then(
        ({ stdout }) => ({ exitCode: 0, checks: JSON.parse(stdout) as Check[] }),
        (error: { code: number; stdout: string }) => ({
          exitCode: error.code,
          checks: JSON.parse(error.stdout) as Check[],
        }),
      );
    };
    const problems = async (): Promise<Check[]> =>
      (await asked()).checks.filter(({ status }) => status === "problem" || status === "unknown");
    const start = async (): Promise<Dev> => {
      const dev = new Dev(data, ["--import", data.transcripts(1, 1)]);
      stacks.defer(async () => {
        dev.process.kill();
        await dev.ended();
      });
      await dev.running();
      return dev;
    };
    const restart = `End \`indelible dev\` with Ctrl-C and start it again, which repairs it: indelible dev --data ${folder}`;

    // Nothing runs: the stack is what is wrong, and nothing else is asked for.
    const before = await asked();
    assert.equal(before.exitCode, 1);
    assert.deepEqual(
      before.checks.filter(({ status }) => status === "problem").map(({ id }) => id),
      ["stack"],
    );
    assert.match(before.checks.find(({ id }) => id === "stack")?.fix ?? "", /indelible dev/);

    let dev = await start();
    const well = await asked();
    assert.deepEqual(
      well.checks.filter(({ status }) => status === "problem" || status === "unknown"),
      [],
    );
    assert.equal(well.exitCode, 0);

    const { pubsub, warehouse } = services(folder);
    const id = (name: string): string => `agent-logs.${name}`;
    await pubsub("DELETE", `subscriptions/${id("action_logs.function")}`);
    await pubsub("DELETE", `subscriptions/${id("dead-letter.safety-net")}`);
    await pubsub("DELETE", `topics/${id("thinking_logs")}`);
    await warehouse("DELETE", `${VIEWS_DATASET}/tables/conversations_history`);
    await warehouse("DELETE", `${RAW_DATASET}/tables/escalation_logs`);
    await warehouse("PATCH", `${VIEWS_DATASET}/tables/decision_logs`, { view: { query: "SELECT 1 AS x" } });
    const found = await problems();
    assert.deepEqual(found.map((check) => check.id).toSorted(), [
      "pubsub.subscriptions:agent-logs.action_logs.function",
      "pubsub.subscriptions:agent-logs.dead-letter.safety-net",
      "pubsub.subscriptions:agent-logs.thinking_logs.function",
      "pubsub.topics:agent-logs.thinking_logs",
      "warehouse.tables:escalation_logs",
      "warehouse.views:conversations_history",
      "warehouse.views:decision_logs",
      "warehouse.views:dependent",
    ]);
    // What is to be done is one command for one of them, and the same step for all.
    const steps = found.flatMap(({ fix = "" }) => fix.split("\n"));
    const commands = steps.filter((step) => step.startsWith("curl"));
    assert.deepEqual(new Set(steps.filter((step) => step.startsWith("End"))), new Set([restart]));
    assert.equal(commands.length, 1);
    execFileSync("bash", ["-c", commands[0] ?? ""], { stdio: "ignore" });
    dev.process.kill("SIGINT");
    await dev.ended();
    dev = await start();
    assert.deepEqual(await problems(), []);

    // Killed, its file stays behind; the lock says that nobody is there.
    dev.process.kill("SIGKILL");
    await dev.ended();
    const [killed] = await problems();
    assert.match(killed?.finding ?? "", /no `indelible dev` is running there: the last one was killed/);
    assert.equal(killed?.fix, `indelible dev --data ${folder}`);
    dev = await start();
    assert.deepEqual(await problems(), []);
    dev.process.kill("SIGTERM");
    await dev.ended();
  });
});

type Call = (method: string, path: string, body?: object) => Promise<void>;

/** The REST interfaces of the broker and, as an admin, of the warehouse, for whoever breaks something. */
function services(folder: string): { pubsub: Call; warehouse: Call } {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
  const env = read("env.json") as { [name: string]: string };
  const { callers } = read("access.json") as { callers: { role: string; token: string }[] };
  const project = env["GOOGLE_CLOUD_PROJECT"] ?? "";
  const caller =
    (base: string, headers: Record<string, string>): Call =>
    async (method, path, body) => {
      const response = await fetch(`${base}/${path}`, {
        method,
        headers: { ...headers, "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.text()}`);
    };
  const token = callers.find(({ role }) => role === "admin")?.token ?? "";
  return {
    pubsub: caller(`${env["CLOUDSDK_API_ENDPOINT_OVERRIDES_PUBSUB"]}v1/projects/${project}`, {}),
    warehouse: caller(`${env["BIGQUERY_EMULATOR_HOST"]}/projects/${project}/datasets`, {
      authorization: `Bearer ${token}`,
    }),
  };
}
