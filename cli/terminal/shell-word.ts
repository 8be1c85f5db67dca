/**
 * `text` as one word of a POSIX-like shell, for commands that are printed to be copied: whatever agents have logged is an argument there, and
 * does nothing on the terminal that shows it. Controls and formatting characters are escaped as bash and zsh understand them.
 */
export function shellWord(text: string): string {
  if (/^(?!-)[\w@%+:,./-]+$/.test(text)) return text;
  if (!unprintable.test(text)) return `'${text.replaceAll("'", String.raw`'\''`)}'`;
  // An exclamation mark too: it may recall earlier commands in this sort of quotes.
  return `$'${text.replaceAll(/[\\'!]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped)}'`;
}

/** `text` as an argument that is no option, even if it begins with a dash: to be the last one of its command. */
export function shellOperand(text: string): string {
  return text.startsWith("-") ? `-- ${shellWord(text)}` : shellWord(text);
}

// As in `printable`, with nothing let through.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (digits: number): string => code.toString(16).padStart(digits, "0");
  if (code < 0x80) return `\\x${hex(2)}`;
  return code <= 0xffff ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}
