import { cellWidth } from "./cell.ts";

/** A terminal that does not say its width, and a file or pipe, get so many columns. */
const DEFAULT_WIDTH = 80;
const CONTINUED = " \\";

/**
 * Help as it fits a terminal: lines that commander leaves as they are, which is all that stands behind the options, are wrapped. Examples, which begin with
 * `$`, are continued as a shell continues a command, so that they can still be pasted; a quoted argument is never broken.
 *
 * @param width columns. Default: 80
 */
export function fitHelp(text: string, width: number = DEFAULT_WIDTH): string {
  return text
    .split("\n")
    .flatMap((line) => (cellWidth(line) <= width ? [line] : wrapped(line, width)))
    .join("\n");
}

function wrapped(line: string, width: number): string[] {
  const [, indent = "", rest = ""] = /^(\s*)(.*)$/.exec(line) ?? [];
  const isExample = rest.startsWith("$ ");
  const words = isExample ? shellWords(rest) : rest.split(" ");
  const further = isExample ? `${indent}    ` : indent;
  const end = isExample ? CONTINUED : "";
  const lines: string[] = [];
  let current = indent + (words[0] ?? "");
  for (const [index, word] of words.slice(1).entries()) {
    const isLast = index === words.length - 2;
    if (cellWidth(`${current} ${word}`) + (isLast ? 0 : end.length) <= width) current += ` ${word}`;
    else {
      lines.push(current + end);
      current = further + word;
    }
  }
  return [...lines, current];
}

/** Split at blanks outside quotation marks; an option stays with its value, and a comment, which cannot be continued, is whole. */
function shellWords(command: string): string[] {
  return command.match(/#.*$|--[\w-]+ (?![-|<>&#])(?:"[^"]*"|'[^']*'|[^\s"'])+|(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
}
