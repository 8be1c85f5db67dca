/**
 * Pieces of regular expressions that hold for a decoded text as well as for the JSON that it stands in. Whatever is found in
 * the text must also be found in its JSON, where a line feed is a backslash and an n, and a letter may be the end of an
 * escape.
 */

/** An escape of JSON, at any depth of JSON in JSON; of a URL; or a colour of a terminal. */
const escape = String.raw`\\[bfnrt]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2}|(?:\u001b|\\u001b|\\x1b|\\033|\\e)\[[\d;]{0,12}m`;

/** Where a word may begin: not after a letter or digit, unless that one is the end of an escape. Takes no characters. */
export const EDGE: string = `(?:(?<![A-Za-z0-9])|(?<=${escape}))`;

/** The same, but not after `_` and `-` either: for words that must not begin anew within themselves. */
export const STRICT_EDGE: string = `(?:(?<![\\w-])|(?<=${escape}))`;

/** Two slashes, which some JSON writers escape. */
export const SLASHES: string = String.raw`\\{0,7}\/\\{0,7}\/`;

/** `text` for a regular expression that has no flag i, in any case. */
export function anyCase(text: string): string {
  let source = "";
  for (const character of text) {
    const cases = new Set([character, character.toLowerCase(), character.toUpperCase()]);
    const escaped = [...cases].map((each) => each.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`));
    source += escaped.length === 1 ? escaped[0] : `(?:${escaped.join("|")})`;
  }
  return source;
}
