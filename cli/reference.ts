import type { Command, Option } from "commander";
import { createProgram } from "./program.ts";

/** Stands between what people have written of `docs/cli.md` and what `npm run build` writes. */
export const GENERATED_MARK = "<!-- What follows is written by `npm run build` from the commands themselves. -->";

/** `docs/cli.md` as it is to be: its head as it is, and the reference of this version. @throws when `current` has no mark */
export function withReference(current: string): string {
  const end = current.indexOf(GENERATED_MARK);
  if (end === -1) throw new Error(`docs/cli.md has lost its mark: ${GENERATED_MARK}`);
  return `${current.slice(0, end)}${GENERATED_MARK}\n\n${commandsReference(createProgram())}`;
}

/** Every command of `program`, as Markdown. */
export function commandsReference(program: Command): string {
  const commands = visible(program).flatMap((command) => [command, ...visible(command)]);
  const index = commands.map((command) => `- [\`${nameOf(command)}\`](#${anchorOf(command)}): ${command.summary()}`);
  return `## Commands\n\n${index.join("\n")}\n\n${commands.map(section).join("\n")}`;
}

function section(command: Command): string {
  const { exitCodes, examples } = partsOf(textBehindOptions(command));
  const options = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => long !== "--help");
  return [
    `### ${nameOf(command)}`,
    command.description(),
    fenced(`${nameOf(command)} ${command.usage()}`),
    argumentsOf(command),
    optionsOf(options),
    exitCodes,
    examples === "" ? "" : fenced(examples),
  ]
    .filter((part) => part !== "")
    .map((part) => `${part}\n`)
    .join("\n");
}

function visible(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => command.commands.includes(child));
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function anchorOf(command: Command): string {
  return nameOf(command).replaceAll(" ", "-");
}

function argumentsOf(command: Command): string {
  if (command.registeredArguments.length === 0) return "";
  const rows = command.registeredArguments.map(
    (argument) =>
      `| \`${command.createHelp().argumentTerm(argument)}\` | ${cell(command.createHelp().argumentDescription(argument))} |`,
  );
  return ["| argument | |", "|---|---|", ...rows].join("\n");
}

function optionsOf(options: readonly Option[]): string {
  if (options.length === 0) return "";
  const rows = options.map(({ flags, description, defaultValue, defaultValueDescription }) => {
    const hasDefault = typeof defaultValue === "string" || typeof defaultValue === "number";
    const text = defaultValueDescription ?? (hasDefault ? String(defaultValue) : "");
    return `| \`${flags}\` | ${cell(description)} | ${text === "" ? "" : `\`${text}\``} |`;
  });
  return ["| option | | default |", "|---|---|---|", ...rows].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** What `addHelpText` has put there: commander tells it only by printing. */
function textBehindOptions(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text.slice(command.helpInformation().length).trim();
}

function partsOf(text: string): { readonly exitCodes: string; readonly examples: string } {
  const [before = "", examples = ""] = text.split(/^Examples?:\n/m);
  return { exitCodes: before.trim(), examples: examples.replaceAll(/^ {2}(?:\$ )?/gm, "").trim() };
}

function fenced(text: string): string {
  return `\`\`\`sh\n${text}\n\`\`\``;
}
