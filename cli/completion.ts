import { Argument, type Command } from "commander";
import type { Shell } from "./completion/script.ts";

const shells: readonly Shell[] = ["bash", "zsh", "fish"];

/** `indelible completion bash|zsh|fish` */
export function declareCompletion(program: Command): void {
  program
    .command("completion")
    .summary("print a script by which your shell completes commands")
    .description(
      "Prints a script that completes commands, options and their values when you press Tab. It stands for itself, and starts nothing: have your shell " +
        "read it anew after an update.",
    )
    .addArgument(new Argument("<shell>", "the shell that is to read it").choices(shells))
    .addHelpText(
      "after",
      `
Exit codes: 0 printed, 2 wrong usage.

Examples:
  $ source <(indelible completion bash)   # in ~/.bashrc
  $ source <(indelible completion zsh)    # in ~/.zshrc, after compinit
  $ indelible completion fish > ~/.config/fish/completions/indelible.fish`,
    )
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion/script.ts");
      process.stdout.write(completionScript(program, shell));
    });
}
