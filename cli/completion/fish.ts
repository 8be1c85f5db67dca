import { briefly, type CompletedCommand, type Value } from "./model.ts";

/** For fish, with descriptions. */
export function fishScript(name: string, commands: readonly CompletedCommand[]): string {
  const byPath = new Map(commands.map((command) => [command.path, command]));
  const paths = commands
    .filter(({ path }) => path !== "")
    .map(({ path }) => `"${path.includes(" ") ? path : ` ${path}`}"`);
  return `# fish completion of ${name}; to install it: ${name} completion fish > ~/.config/fish/completions/${name}.fish
function __${name}_at
    set -l at ""
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${paths.join(" ")}
                set at (string trim "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${commands.flatMap((command) => linesOf(name, command, byPath)).join("\n")}
`;
}

function linesOf(
  name: string,
  { path, commands, options, argument }: CompletedCommand,
  byPath: ReadonlyMap<string, CompletedCommand>,
): string[] {
  const here = `complete -c ${name} -n '__${name}_at "${path}"'`;
  return [
    ...commands.map(
      (child) => `${here} -a ${child} -d ${quoted(byPath.get(`${path} ${child}`.trim())?.description ?? "")}`,
    ),
    ...(argument === undefined || argument.kind === "text" ? [] : [`${here} ${reply(argument)}`]),
    ...options.map(({ flags, description, value }) => {
      const names = flags
        .map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(" ");
      const values = value === undefined ? "" : value.kind === "text" ? " -x" : ` -r ${reply(value)}`;
      return `${here} ${names}${values} -d ${quoted(description)}`;
    }),
  ];
}

function quoted(description: string): string {
  return `'${briefly(description).replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

function reply(value: Value): string {
  if (value.kind === "word") return `-f -a '${value.words.join(" ")}'`;
  return value.kind === "folder" ? `-f -a '(__fish_complete_directories)'` : "-F";
}
