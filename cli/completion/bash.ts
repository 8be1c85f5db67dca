import type { CompletedCommand, Value } from "./model.ts";

/** For bash 4 and later: a function and its registration. Words of one case each, so that no process is started at a press of the key. */
export function bashScript(name: string, commands: readonly CompletedCommand[]): string {
  const paths = commands
    .filter(({ path }) => path !== "")
    .map(({ path }) => `"${path.includes(" ") ? path : ` ${path}`}"`);
  return `# bash completion of ${name}; to install it: source <(${name} completion bash)
_${name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} at="" i
  # --name=value is three words.
  if [[ $word == "=" ]]; then word="" previous=\${COMP_WORDS[COMP_CWORD - 1]}; fi
  if [[ $previous == "=" ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${paths.join(" | ")}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$at $previous" in
${commands.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${commands.map(commandCase).join("\n")}
  esac
}
complete -F _${name} ${name}
`;
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === undefined) return [];
    return [`    ${flags.map((flag) => `"${path} ${flag}"`).join(" | ")}) ${reply(value)} return ;;`];
  });
}

function commandCase({ path, commands, options, argument }: CompletedCommand): string {
  const words = [...commands, ...options.flatMap(({ flags }) => flags)].join(" ");
  const ofWords = `COMPREPLY=($(compgen -W "${words}" -- "$word"));`;
  if (argument === undefined) return `    "${path}") ${ofWords} ;;`;
  return `    "${path}") if [[ $word == -* ]]; then ${ofWords} else ${reply(argument)} fi ;;`;
}

/** Files are for bash itself to complete, which knows how to quote them. */
function reply(value: Value): string {
  if (value.kind === "word") return `COMPREPLY=($(compgen -W "${value.words.join(" ")}" -- "$word"));`;
  if (value.kind === "text") return ":;";
  return value.kind === "folder" ? `compopt -o dirnames;` : `compopt -o default;`;
}
