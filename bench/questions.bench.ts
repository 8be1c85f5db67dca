/**
 * How long the commands take to give a first answer, over the log of a fleet in the warehouse of this machine:
 *
 *     node bench/questions.bench.ts [--rows 10000000] [--data FOLDER] [--rounds 5] [--only cost]
 *
 * The log is of the latest 90 days: conversations with their thinking, actions, tool calls, decisions and escalations; one entry in fifty comes
 * twice, and one conversation in eight leaves a dead letter. With --data the folder is kept, and used again when it has them. A command is a
 * process of its own: its time is that from its start to the first byte that it prints, the start of Node included.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { VIEWS_DATASET } from "@indelible/schemas/names.ts";
import { bigQueryClient } from "../cli/clients.ts";
import { provisionWarehouse } from "../cli/dev/provision.ts";
import { startService } from "../test/processes.ts";
import { conversationId, logIdOf, ROWS_PER_CONVERSATION } from "./questions/log.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "10000000" },
    data: { type: "string" },
    rounds: { type: "string", default: "5" },
    only: { type: "string" },
  },
});
const conversations = Math.ceil(Number(values.rows) / ROWS_PER_CONVERSATION);
const folder = values.data ?? mkdtempSync(join(tmpdir(), "indelible-questions-"));
const projectId = "bench";
const root = fileURLToPath(new URL("../", import.meta.url));

const warehouse = await startService("local/bigquery/main.ts", ["--data", folder, "--port", "0", "--grpc-port", "0"]);
process.env["BIGQUERY_EMULATOR_HOST"] = `http://127.0.0.1:${warehouse.ready.port}`;
process.env["GOOGLE_CLOUD_PROJECT"] = projectId;
const bigquery = bigQueryClient(projectId, true);

/** When the log ends, in microseconds since 1970. */
async function filled(): Promise<number> {
  const marker = join(folder, `filled-${conversations}`);
  if (existsSync(marker)) {
    // The views may be other ones than when it was filled.
    await provisionWarehouse(bigquery);
    return Number(readFileSync(marker, "utf8"));
  }
  const end = Date.now() * 1000;
  await provisionWarehouse(bigquery);
  const script = fileURLToPath(new URL("questions/fill.ts", import.meta.url));
  const args = [script, String(warehouse.ready.grpcPort), projectId, String(end), String(conversations)];
  const code = await new Promise((resolve) =>
    spawn(process.execPath, args, { stdio: "inherit" }).once("exit", resolve),
  );
  if (code !== 0) throw new Error(`the log could not be appended: exit code ${String(code)}`);
  // A query waits until the index has everything.
  await bigquery.query(`SELECT COUNT(*) FROM ${VIEWS_DATASET}.conversations_arrivals`);
  writeFileSync(marker, String(end));
  return end;
}

interface Taken {
  readonly firstMs: number;
  readonly allMs: number;
  readonly bytes: number;
}

function run(args: readonly string[]): Promise<Taken> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ["cli/main.ts", ...args], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let [firstMs, bytes, said] = [0, 0, ""];
  child.stdout.on("data", (chunk: Buffer) => {
    if (bytes === 0) firstMs = performance.now() - startedAt;
    bytes += chunk.length;
  });
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("close", (code) => {
      if (bytes === 0) reject(new Error(`${args.join(" ")} printed nothing and ended with ${code}: ${said}`));
      else resolve({ firstMs, allMs: performance.now() - startedAt, bytes });
    });
  });
}

try {
  const end = await filled();
  const middle = Math.floor(conversations / 2);
  const questions: readonly (readonly string[])[] = [
    ["--help"],
    ["query", "SELECT 1 AS one"],
    ["cost", "--by", "agent", "--since", "7d"],
    ["cost", "--by", "tool", "--since", "7d"],
    ["tail"],
    ["tail", "--agent", "agent-7", "--lines", "50"],
    ["show", logIdOf(end, middle, conversations, 2)],
    ["show", conversationId(middle)],
    ["timeline", conversationId(middle)],
    ["dlq", "list"],
    ["dlq", "list", "--all", "--since", "7d"],
  ];
  const counts = await Promise.all(
    [
      "conversations",
      "thinking_logs",
      "decision_logs",
      "action_logs",
      "escalation_logs",
      "mcp_usage_logs",
      "dead_letters",
    ].map(async (table) => {
      const [[row]] = await bigquery.query(`SELECT COUNT(*) AS n FROM ${VIEWS_DATASET}.${table}_arrivals`);
      return Number((row as { n: number }).n);
    }),
  );
  process.stdout.write(`${counts.reduce((sum, count) => sum + count, 0).toLocaleString("en-US")} rows\n\n`);
  process.stdout.write("| command | first | median | max | all of it, median |\n|---|---|---|---|---|\n");
  for (const args of questions) {
    if (values.only !== undefined && args[0] !== values.only) continue;
    const taken: Taken[] = [];
    for (let round = 0; round < Number(values.rounds); round += 1) taken.push(await run(args));
    const firsts = taken.map(({ firstMs }) => firstMs);
    const alls = taken.map(({ allMs }) => allMs);
    const [first = 0] = firsts;
    const cells = [first, medianOf(firsts), Math.max(...firsts), medianOf(alls)].map((ms) => `${Math.round(ms)} ms`);
    process.stdout.write(`| \`${args.join(" ")}\` | ${cells.join(" | ")} |\n`);
  }
} finally {
  await warehouse.stop();
  if (values.data === undefined) rmSync(folder, { recursive: true });
}

function medianOf(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
