import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Report } from "../../cli/delivery/report.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** A folder for the data of some runs, removed when the test is over. */
export class DataFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "indelible-e2e-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** A transcript file of `runs` conversations with `turns` tool calls each, always the same. */
  transcripts(runs: number, turns: number): string {
    const file = join(this.path, `transcripts-${runs}x${turns}.json`);
    writeFileSync(file, JSON.stringify(Array.from({ length: runs }, (_, run) => transcript(run, turns))));
    return file;
  }
}

/** `indelible dev` in a process of its own. */
export class Dev {
  readonly process: ChildProcess;
  readonly #exit: Promise<[number | null]>;
  #out = "";
  #errors = "";

  constructor(data: DataFolder, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.process = spawn(process.execPath, [main, "dev", "--data", join(data.path, "data"), ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#out += text));
    this.process.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    this.#exit = once(this.process, "close") as Promise<[number | null]>;
  }

  /** Waits until the report is out and the services stay up. Not with --once. */
  async running(): Promise<void> {
    while (!this.#errors.includes("Running until Ctrl-C.")) {
      const ended = await Promise.race([
        this.#exit.then(() => true),
        once(this.process.stderr ?? this.process, "data").then(() => false),
      ]);
      if (ended) throw new Error(`it ended:\n${this.#errors}`);
    }
  }

  get errors(): string {
    return this.#errors;
  }

  /** Waits for the end, and gives the report that was asked for with --json. */
  async end(): Promise<{ readonly exitCode: number | null; readonly report: Report }> {
    const [exitCode] = await this.#exit;
    if (this.#out === "") throw new Error(`no report, exit code ${exitCode}:\n${this.#errors}`);
    return { exitCode, report: JSON.parse(this.#out) as Report };
  }

  /** Waits for the end, and gives what was printed. */
  async output(): Promise<string> {
    await this.#exit;
    return this.#out;
  }

  async ended(): Promise<void> {
    await this.#exit;
  }

  /** Process IDs of the services, by a part of their program's path. Linux only. */
  pidOf(service: string): number | undefined {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
        if (parent === this.process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(service))
          return Number(pid);
      } catch {
        // It ended in between.
      }
    }
    return undefined;
  }
}

/** Runs to the end and reads the report. */
export function dev(data: DataFolder, ...args: readonly string[]): ReturnType<Dev["end"]> {
  return new Dev(data, ["--once", "--json", ...args]).end();
}

function transcript(run: number, turns: number): object {
  const messages: object[] = [{ role: "system", content: "You are a travel desk." }];
  for (let turn = 0; turn < turns; turn += 1) {
    const id = `call_${run}_${turn}`;
    const call = { id, type: "function", function: { name: "search", arguments: JSON.stringify({ run, turn }) } };
    messages.push(
      { role: "user", content: `Question ${turn} of run ${run} — ${"x".repeat((run * 7 + turn) % 300)}` },
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: id, name: "search", content: `Result ${turn}` },
      { role: "assistant", content: `Answer ${turn}` },
    );
  }
  return { id: `run-${run}`, messages };
}
