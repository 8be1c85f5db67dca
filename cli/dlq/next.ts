import { DEFAULT_DATA_FOLDER } from "../environment.ts";
import { commandLine } from "../terminal/shell-word.ts";

/** A command line of `indelible dlq` that can be pasted into a shell: what an agent has logged is quoted, and does nothing there. */
export function commandText(args: readonly string[], dataFolder: string = DEFAULT_DATA_FOLDER): string {
  const folder = dataFolder === DEFAULT_DATA_FOLDER ? [] : ["--data", dataFolder];
  return commandLine("indelible", "dlq", ...args, ...folder);
}

/** The last line of what is printed on a terminal. */
export function nextText(command: string): string {
  return `Next: ${command}\n`;
}
