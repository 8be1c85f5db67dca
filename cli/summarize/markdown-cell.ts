import { printable, truncate } from "../terminal/cell.ts";

/** Columns of a terminal that a cell's text takes at most, unless told otherwise. */
export const CELL_WIDTH = 100;

/** What stands where there is no text. */
export const NOTHING = "—";

/**
 * Text as a cell of a Markdown table, in which a reader sees the text itself and nothing of it is Markdown, HTML or a link.
 *
 * What some renderer would make a link, a mention or an emoji of is in a code span, because renderers look for those after they have resolved
 * escapes, and not in code. Characters that mean something are written as references or with a backslash.
 *
 * @param maxWidth in columns of a terminal; a longer text ends in an ellipsis. Default: {@link CELL_WIDTH}
 */
export function markdownCell(text: string, maxWidth: number = CELL_WIDTH): string {
  const shown = shownText(text, maxWidth);
  return shown === "" ? NOTHING : shown.replace(/\S+/gu, wordText);
}

/** What a reader sees of `text`: on one line, without what would hide or turn it, cut. */
export function shownText(text: string, maxWidth: number = CELL_WIDTH): string {
  // A single character may have any number of marks over it, and takes one column with all of them.
  const bounded = text.slice(0, maxWidth * 16);
  const line = printable(bounded.replaceAll(/\s+/g, " ").trim());
  return truncate(line, maxWidth).trim();
}

// Beside web and mail addresses what only looks like a domain, as the name of a file does: some renderers link any.
const linkable = /@|:\/\/|www\.|mailto:|xmpp:|tel:|data:|javascript:|:[\w+-]+:|[^\s.]\.\p{L}{2,}/iu;

/** A word that is to be taken for nothing else; what cannot stand in a code span of a table stays outside of it. */
function wordText(word: string): string {
  return linkable.test(word) ? word.replace(/[^`|\\]+|[`|\\]/g, codeText) : word.replace(special, specialText);
}

function codeText(part: string): string {
  return /^[`|\\]$/.test(part) ? specialText(part) : `\`${part}\``;
}

// An underscore between letters is an underscore.
const special = /[`|\\$*{}[\]<>()#!&~^=]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

function specialText(character: string): string {
  // Tables take the bar for their own before anything else is read, backslashes before it count, and math begins with a dollar.
  if ("`|\\$".includes(character)) return `&#${character.charCodeAt(0)};`;
  return `\\${character}`;
}

/** A table as people write it: one row a line. Every cell is Markdown already. */
export function markdownTable(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  const rule = `|${titles.map((title) => "-".repeat(title.length + 2)).join("|")}|\n`;
  return line(titles) + rule + rows.map(line).join("");
}
