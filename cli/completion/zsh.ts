import { briefly, type CompletedCommand, type Value } from "./model.ts";

/** For zsh, with descriptions: to be sourced after `compinit`, or put into a folder of `fpath` as `_NAME`. */
export function zshScript(name: string, commands: readonly CompletedCommand[]): string {
  const byPath = new Map(commands.map((command) => [command.path, command]));
  const paths = commands
    .filter(({ path }) => path !== "")
    .map(({ path }) => `"${path.includes(" ") ? path : ` ${path}`}"`);
  return `#compdef ${name}
# zsh completion of ${name}; to install it: source <(${name} completion zsh)
_${name}() {
  local at="" i
  local -a described
  for ((i = 2; i < CURRENT; i++)); do
    case "$at $words[i]" in
      ${paths.join(" | ")}) at="\${at:+$at }$words[i]" ;;
    esac
  done
  case "$at $words[CURRENT-1]" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${commands.map((command) => commandCase(command, byPath)).join("\n")}
  esac
}
if [[ "$funcstack[1]" == "_${name}" ]]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    return [`    ${flags.map((flag) => `"${path} ${flag}"`).join(" | ")}) ${reply(value)}; return ;;`];
  });
}

function commandCase(
  { path, commands, options, argument }: CompletedCommand,
  byPath: ReadonlyMap<string, CompletedCommand>,
): string {
  const below = commands.map((child) => described(child, byPath.get(`${path} ${child}`.trim())?.description ?? ""));
  const flags = options.flatMap((option) => option.flags.map((flag) => described(flag, option.description)));
  const list = (tag: string, words: readonly string[]): string =>
    `described=(${words.join(" ")}); _describe ${tag} described`;
  const otherwise =
    argument === undefined ? (below.length > 0 ? list("command", below) : list("option", flags)) : reply(argument);
  return `    "${path}") if [[ $words[CURRENT] == -* ]]; then ${list("option", flags)}; else ${otherwise}; fi ;;`;
}

/** One quoted word, its colon between name and description. */
function described(word: string, description: string): string {
  const text = `${word}:${briefly(description)}`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function reply(value: Value): string {
  if (value.kind === "word") return `compadd -- ${value.words.join(" ")}`;
  if (value.kind === "text") return ":";
  return value.kind === "folder" ? "_files -/" : "_files";
}
