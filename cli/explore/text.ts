import { cellWidth, pad, printable, truncate } from "../terminal/cell.ts";
import { secondText } from "../terminal/time.ts";
import type { Line } from "./line.ts";

const kindWidth = 12;
const agentWidth = 10;
/** A title is not cut to less. */
const minTitleWidth = 10;

/** `$0.0482`: dollars with as many digits as say something, at least cents; never with an exponent below a cent. */
export function dollars(usd: number): string {
  if (usd !== 0 && Math.abs(usd) < 0.01) {
    const decimals = Math.min(100, 2 - Math.floor(Math.log10(Math.abs(usd))));
    return `$${usd.toFixed(decimals).replace(/0+$/, "")}`;
  }
  return `$${usd.toFixed(usd < 1 ? 4 : 2)}`;
}

/** `01-31 09:30:00`: without the year, for lists in which it goes without saying. */
function shortTime(at: string): string {
  return secondText(at).slice(5, 19);
}

/** An entry in one line of at most `width` columns; without a newline. */
export function lineText(line: Line, width: number = Infinity): string {
  const cell = (text: string, cells: number): string => pad(truncate(printable(text), cells), cells, "left");
  const head = `${shortTime(line.happened_at)}  ${cell(line.agent ?? "-", agentWidth)}  ${cell(line.kind, kindWidth)}  `;
  const tail = [line.outcome === null ? "" : truncate(printable(line.outcome), 20)]
    .concat(line.cost_usd === null ? [] : [dollars(line.cost_usd)])
    .filter((text) => text !== "")
    .join(" ");
  const room = Math.max(minTitleWidth, width - cellWidth(head) - (tail === "" ? 0 : cellWidth(tail) + 2));
  const title = truncate(printable(line.title ?? line.entity_id), room);
  return truncate(`${head}${title}${tail === "" ? "" : `  ${tail}`}`, width);
}

/** `text` in lines of at most `width` columns, broken between words where it can be; its own line breaks are kept, other controls are shown. */
export function wrapped(text: string, width: number): string[] {
  return text.split(/\r\n|[\r\n\u2028\u2029]/u).flatMap((line) => wrappedLine(printable(line), Math.max(8, width)));
}

function wrappedLine(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  let used = 0;
  const flush = (): void => {
    if (current !== "") lines.push(current.trimEnd());
    [current, used] = ["", 0];
  };
  for (const word of text.split(/(?<= )/)) {
    const wide = cellWidth(word.trimEnd());
    if (used + wide > width) flush();
    if (wide <= width) {
      current += word;
      used += cellWidth(word);
      continue;
    }
    for (const { segment } of graphemes.segment(word)) {
      const cells = cellWidth(segment);
      if (used + cells > width) flush();
      current += segment;
      used += cells;
    }
  }
  flush();
  return lines.length === 0 ? [""] : lines;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
