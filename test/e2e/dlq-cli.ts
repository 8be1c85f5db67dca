import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
/** What a terminal of 80 columns is to the command: it prints text, though a test reads it. */
const terminal = "data:text/javascript,process.stdout.isTTY=true;process.stdout.columns=80";

export interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly errors: string;
}

/** Runs a command with the data folder of a running `indelible dev`. */
export function startCli(
  data: string,
  args: readonly string[],
): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
  return collected(spawn(process.execPath, [main, ...args, "--data", data], { stdio: ["ignore", "pipe", "pipe"] }));
}

/**
 * Runs a command line as a person pastes it into a shell, `indelible` being ours on a terminal.
 *
 * @param folder to run in
 */
export function paste(folder: string, line: string): Promise<Ended> {
  const script = `indelible() { "$NODE" --import "$TERMINAL" "$MAIN" "$@"; }\n${line}`;
  const env = { ...process.env, NODE: process.execPath, TERMINAL: terminal, MAIN: main };
  return collected(spawn("sh", ["-c", script], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] })).ended;
}

/** The command line that a command has printed as the next one. */
export function nextOf({ out, errors }: Ended): string {
  const [, line] = /^Next: (.+)$/m.exec(out) ?? [];
  if (line === undefined) throw new Error(`it names no next command:\n${out}${errors}`);
  return line;
}

function collected(child: ChildProcess): { readonly process: ChildProcess; readonly ended: Promise<Ended> } {
  let [out, errors] = ["", ""];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = once(child, "close").then(([exitCode]) => ({ exitCode: exitCode as number | null, out, errors }));
  return { process: child, ended };
}
