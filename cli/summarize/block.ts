import { isUtf8 } from "node:buffer";
import { IndelibleError } from "@indelible/schemas/errors.ts";

// Each marker is a line of its own, so that a person may write about them.
const beginning = "<!-- indelible:begin";
const end = "<!-- indelible:end -->";
const marker = /^(?:\u{ef}\u{bb}\u{bf})?(<!-- indelible:(begin|end)\b[^\n]*?-->)[ \t]*\r?$/gmu;

/** Markdown as the block that belongs to the summary, without a newline at its end. No line of `content` may be a marker. */
export function blockOf(name: string, content: string): string {
  return `${beginning} ${name}: what is in here is replaced, what is above and below stays -->\n${content.trimEnd()}\n${end}`;
}

/**
 * A file with `block` in place of the one that it has, or else at its end. Every other byte stays.
 *
 * @param before the file as it is; undefined: there is none
 * @throws ERR_CONFIG when it is no text in UTF-8, or does not have one whole block or none
 */
export function placeBlock(path: string, before: Buffer | undefined, block: string): Buffer {
  const bytes = Buffer.from(block);
  if (before === undefined || before.length === 0) return Buffer.concat([bytes, newline]);
  if (before.includes(0) || !isUtf8(before))
    throw unusable(path, "is no text in UTF-8", "Save it as UTF-8, or move it away.");
  // One character a byte, so that positions are positions of bytes.
  const text = before.toString("latin1");
  const found = [...text.matchAll(marker)].map((match) => {
    const line = match[1] ?? "";
    const start = match.index + match[0].indexOf(line);
    return { kind: match[2], start, end: start + line.length };
  });
  if (found.length === 0) return Buffer.concat([before, Buffer.from(gapAfter(text)), bytes, newline]);
  const [first, last] = found;
  if (found.length !== 2 || first?.kind !== "begin" || last?.kind !== "end") {
    const lines = found.map(({ kind, start }) => `${kind} in line ${lineOf(text, start)}`).join(", ");
    throw unusable(
      path,
      `has no whole block of a summary: ${lines}`,
      `Leave one "${beginning} …-->" line and one "${end}" line behind it, or delete all of them: then a block is put at the end.`,
    );
  }
  return Buffer.concat([before.subarray(0, first.start), bytes, before.subarray(last.end)]);
}

const newline = Buffer.from("\n");

/** What makes the block begin behind an empty line. */
function gapAfter(text: string): string {
  if (/\n\r?\n$/.test(text)) return "";
  return text.endsWith("\n") ? "\n" : "\n\n";
}

function lineOf(text: string, position: number): number {
  return text.slice(0, position).split("\n").length;
}

function unusable(path: string, what: string, hint: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `${path} ${what}; it is left as it is`, { hint });
}
