import type { Command } from "commander";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import { completedCommands, type CompletedCommand } from "./model.ts";
import { zshScript } from "./zsh.ts";

export type Shell = "bash" | "zsh" | "fish";

const scripts: { readonly [S in Shell]: (name: string, commands: readonly CompletedCommand[]) => string } = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** The script by which a shell completes the commands, options and values of `program`. */
export function completionScript(program: Command, shell: Shell): string {
  return scripts[shell](program.name(), completedCommands(program));
}
