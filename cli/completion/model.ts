import { InvalidArgumentError, type Argument, type Command, type Option } from "commander";

/** What may stand where a value is expected; `text` is whatever people write. */
export type Value =
  | { readonly kind: "file" | "folder" | "text" }
  | { readonly kind: "word"; readonly words: readonly string[] };

export interface CompletedOption {
  /** `--json`, and `-j` where there is one. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined: it takes none. */
  readonly value: Value | undefined;
}

export interface CompletedCommand {
  /** `dlq list`; empty: the program itself. */
  readonly path: string;
  readonly description: string;
  readonly commands: readonly string[];
  readonly options: readonly CompletedOption[];
  /** Of its first argument; undefined: it takes none. */
  readonly argument: Value | undefined;
}

/** Everything that can be completed, derived from what is declared: the program first, and each command before those below it. */
export function completedCommands(command: Command, names: readonly string[] = []): readonly CompletedCommand[] {
  const help = command.createHelp();
  const children = help.visibleCommands(command).filter((child) => command.commands.includes(child));
  const [argument] = command.registeredArguments;
  const one: CompletedCommand = {
    path: names.join(" "),
    description: command.summary() || command.description(),
    commands: children.map((child) => child.name()),
    options: help.visibleOptions(command).map(optionOf),
    argument: argument === undefined ? undefined : argumentOf(argument),
  };
  return [one, ...children.flatMap((child) => completedCommands(child, [...names, child.name()]))];
}

function optionOf(option: Option): CompletedOption {
  const flags = [option.long, option.short].filter((flag) => flag !== undefined);
  const isSwitch = !option.required && !option.optional;
  return { flags, description: option.description, value: isSwitch ? undefined : valueOf(option) };
}

function valueOf(option: Option): Value {
  const words = option.argChoices ?? wordsThatAreRight((text) => option.parseArg?.(text, undefined as never));
  return words === undefined ? valueNamed(option.flags) : { kind: "word", words };
}

function argumentOf(argument: Argument): Value {
  const words = argument.argChoices ?? wordsThatAreRight((text) => argument.parseArg?.(text, undefined as never));
  return words === undefined ? valueNamed(argument.name()) : { kind: "word", words };
}

function valueNamed(placeholder: string): Value {
  if (/folder|dir/.test(placeholder)) return { kind: "folder" };
  return { kind: /file|patch/.test(placeholder) ? "file" : "text" };
}

/** A parser that takes one of a few words says which when it is given another one: `One of: open, discarded.` */
function wordsThatAreRight(parse: (text: string) => unknown): readonly string[] | undefined {
  try {
    parse("~");
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) return undefined;
    return /^One of: (.+)\.$/.exec(error.message)?.[1]?.split(", ");
  }
  return undefined;
}

/** A description on one line, as short as a list of completions has room for. */
export function briefly(description: string): string {
  return description
    .replaceAll(/\s+/g, " ")
    .replace(/[.;:(].*$/, "")
    .trim();
}
