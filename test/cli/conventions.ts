import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommanderError, type Argument, type Command, type Option } from "commander";
import { createProgram } from "../../cli/program.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));

/** A command of `indelible`, at any depth. */
export interface Walked {
  /** `dlq list`; empty: `indelible` itself. */
  readonly path: string;
  readonly command: Command;
  /** Whether it does something itself, and does not only hold others. */
  readonly isLeaf: boolean;
}

/** Every command that people can see: what is new is here by itself. */
export const commands: readonly Walked[] = walk(createProgram(), []);

function walk(command: Command, names: readonly string[]): Walked[] {
  const visible = command.createHelp().visibleCommands(command);
  const children = visible.filter((child) => command.commands.includes(child));
  return [
    { path: names.join(" "), command, isLeaf: children.length === 0 },
    ...children.flatMap((child) => walk(child, [...names, child.name()])),
  ];
}

export const leaves: readonly Walked[] = commands.filter(({ isLeaf }) => isLeaf);

/** Parses a command line here, up to where the command would begin. @returns what commander refuses, and what it says of it */
export async function refusal(
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly errors: string }> {
  const program = createProgram();
  let errors = "";
  const capture = (command: Command): void => {
    command.configureOutput({ writeErr: (text) => (errors += text), writeOut: () => {} });
    command.commands.forEach(capture);
  };
  capture(program);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: error.exitCode, errors };
    throw error;
  }
  throw new Error(`${args.join(" ")} was run`);
}

export interface Ended {
  readonly exitCode: number | null;
  readonly out: string;
  readonly errors: string;
}

/** A folder in which no `indelible dev` has ever run, and a user without credentials; removed when disposed of. */
export class FreshFolder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "indelible-conventions-"));

  constructor() {
    writeFileSync(join(this.path, "file.json"), "[]");
  }

  /** Runs the command line there, with nothing of this shell's about services, into pipes and without input. */
  async run(args: readonly string[], env: { readonly [name: string]: string } = {}): Promise<Ended> {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: this.path,
      env: { PATH: process.env["PATH"], HOME: this.path, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode, out, errors };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** Arguments and options with which a command gets as far as to ask its services. */
export function plausible({ path, command }: Walked): string[] {
  const needed = new Set(["--business-id", "--agent-position"]);
  const options = command.options.flatMap((option) => {
    const long = option.long ?? "";
    return option.mandatory || needed.has(long) ? [long, valueOf(option)] : [];
  });
  const table = path === "emit" ? ["--table", "action_logs"] : [];
  const required = command.registeredArguments.filter((argument) => argument.required);
  return [...path.split(" "), ...table, ...options, ...required.flatMap(argumentOf)];
}

function argumentOf(argument: Argument): string[] {
  if (argument.argChoices !== undefined) return argument.argChoices.slice(0, 1);
  const name = argument.name();
  if (/sql/.test(name)) return ["SELECT 1"];
  if (/file/.test(name)) return ["file.json"];
  return /id/.test(name) ? ["0199c0de-7e57-7000-8000-000000000001"] : [name];
}

function valueOf(option: Option): string {
  return option.argChoices?.[0] ?? (/folder|dir|file/.test(option.flags) ? "out" : "acme");
}
