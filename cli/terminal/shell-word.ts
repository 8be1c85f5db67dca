/**
 * A word of a shell (bash, zsh): what `text` says, whatever it is. It has no line break, nor any other character that a terminal acts upon: those are
 * written as the bytes of their UTF-8, in `$'…'`.
 */
export function shellWord(text: string): string {
  if (controls.test(text)) return `$'${escaped(text)}'`;
  // A word that begins with `=` is the path of a command to zsh.
  return /^[\w@%+:,./-][\w@%+=:,./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `text` as an argument that is no option, even if it begins with a dash: to be the last one of its command. */
export function shellOperand(text: string): string {
  return text.startsWith("-") ? `-- ${shellWord(text)}` : shellWord(text);
}

/** As {@link shellWord}, for something long: its lines stay lines, which a shell takes in quotes. */
export function shellLines(text: string): string {
  return controls.test(text.replaceAll("\n", "")) ? shellWord(text) : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command line. */
export function commandLine(...words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

// What is not printed as it is: see `printable`.
const controls = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function escaped(text: string): string {
  return text
    .replaceAll(/[\\']/g, String.raw`\$&`)
    .replaceAll(new RegExp(controls, "gu"), (character) =>
      [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""),
    );
}
