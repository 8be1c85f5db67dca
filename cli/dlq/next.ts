import { DEFAULT_DATA_FOLDER } from "../environment.ts";

/** A command line of `indelible dlq` that can be pasted into a shell: what an agent has logged is quoted, and does nothing there. */
export function commandText(args: readonly string[], dataFolder: string = DEFAULT_DATA_FOLDER): string {
  const folder = dataFolder === DEFAULT_DATA_FOLDER ? [] : ["--data", dataFolder];
  return ["indelible", "dlq", ...args, ...folder].map(quoted).join(" ");
}

/** For a shell. */
function quoted(arg: string): string {
  return /^[\w./:@=+,-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", String.raw`'\''`)}'`;
}

/** The last line of what is printed on a terminal. */
export function nextText(command: string): string {
  return `Next: ${command}\n`;
}
