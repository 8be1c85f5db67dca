import { printable } from "../terminal/cell.ts";
import { thousands } from "../terminal/table.ts";

const maxBodyLines = 200;

/** JSON with indentation, anything else as it is; escaped line by line. */
export function bodyText(text: string, prefix: string): string {
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    // It is shown as it is.
  }
  const lines = shown.split("\n");
  const cut = lines.length > maxBodyLines ? [`${prefix}… ${thousands(lines.length - maxBodyLines)} lines more`] : [];
  return `${[...lines.slice(0, maxBodyLines).map((line) => prefix + printable(line)), ...cut].join("\n")}\n`;
}
