/** Text as it may be shown on a terminal: logged data must not move the cursor, recolour or retitle the window. */
export function printable(text: string): string {
  return text.replace(
    unprintable,
    (character) => escapes[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

// Controls, formatting characters (which can reverse the reading order), lone surrogates and line separators.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const escapes: { readonly [character: string]: string } = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\u{ad}": "",
  "\u{200d}": "\u{200d}",
};

/** Columns of a terminal that `text` takes: two for East Asian characters and emoji. */
export function cellWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += wide.test(segment) ? 2 : 1;
  return width;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const wide =
  /[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;

/** `text` cut to `width` columns, the last one an ellipsis when anything was cut. */
export function truncate(text: string, width: number): string {
  if (text.length * 2 <= width || cellWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += cellWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** `text` filled with blanks to `width` columns. */
export function pad(text: string, width: number, align: "left" | "right"): string {
  const blanks = " ".repeat(Math.max(0, width - cellWidth(text)));
  return align === "left" ? text + blanks : blanks + text;
}
