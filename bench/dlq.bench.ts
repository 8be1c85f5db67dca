/**
 * First answers of `indelible dlq` in a warehouse with many dead letters:
 *
 *     node bench/dlq.bench.ts [--letters 100000] [--rows 0] [--data FOLDER]
 *
 * The warehouse is a process of its own, with `--rows` conversations beside the dead letters; with --data the folder is kept, and used again when it
 * has them. Each question is asked three times by a process of its own, as a person would, and once more in this one, without the start of Node.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { groupIdOf } from "../cli/dlq/handle.ts";
import type { Group } from "../cli/dlq/letter.ts";
import { deadLetterId, fillDeadLetters } from "./dlq/dead-letters.ts";
import { filledWarehouse, projectId } from "./ledger/filled-warehouse.ts";

const { values } = parseArgs({
  options: {
    letters: { type: "string", default: "100000" },
    rows: { type: "string", default: "0" },
    data: { type: "string" },
  },
});
const letterCount = Number(values.letters);
const folder = values.data ?? mkdtempSync(join(tmpdir(), "indelible-dlq-"));
const main = fileURLToPath(new URL("../cli/main.ts", import.meta.url));
const run = promisify(execFile);

const warehouse = await filledWarehouse(folder, Number(values.rows));
try {
  const filled = join(folder, `filled-letters-${letterCount}`);
  if (!existsSync(filled)) {
    await fillDeadLetters(warehouse.appender, letterCount);
    await warehouse.bigquery.query("SELECT COUNT(*) FROM agent_logs.dead_letters_arrivals");
    writeFileSync(filled, "");
  }
  const env = { ...process.env, GOOGLE_CLOUD_PROJECT: projectId };
  const ask = async (...args: readonly string[]): Promise<string> => {
    const options = { env, maxBuffer: 2 ** 28 };
    return (await run(process.execPath, [main, "dlq", ...args], options)).stdout;
  };
  const [group] = JSON.parse(await ask("list")) as readonly Group[];
  if (group === undefined) throw new Error("there are no dead letters");
  const questions: readonly (readonly string[])[] = [
    ["list"],
    ["list", "--state", "discarded"],
    ["list", "--since", "2026-06-01T00:00:03Z"],
    ["list", "--all"],
    ["show", groupIdOf(group)],
    ["show", deadLetterId(1).slice(0, 8)],
    ["jobs"],
  ];
  process.stdout.write(
    `${letterCount.toLocaleString("en-US")} dead letters beside ${Number(values.rows).toLocaleString("en-US")} conversations\n\n`,
  );
  process.stdout.write("| command | median of three, ms |\n|---|---|\n");
  for (const args of questions) {
    const times: number[] = [];
    for (let again = 0; again < 3; again += 1) {
      const startedAt = performance.now();
      await ask(...args);
      times.push(performance.now() - startedAt);
    }
    const [, median = 0] = times.toSorted((a, b) => a - b);
    process.stdout.write(`| dlq ${args.join(" ")} | ${median.toFixed(0)} |\n`);
  }
} finally {
  await warehouse.appender.close();
  await warehouse.process.stop();
  if (values.data === undefined) rmSync(folder, { recursive: true, force: true });
}
