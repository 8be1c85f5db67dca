import { anyCase } from "./boundary.ts";

const separator = "[_. -]?";

/** Words of a name, in any case, joined by `_`, `-`, `.`, a space or nothing. `words` are separated by spaces. */
function name(words: string): string {
  return words.split(" ").map(anyCase).join(separator);
}

const any = (phrases: readonly string[]): string => `(?:${phrases.map(name).join("|")})`;

const plurals = (phrases: readonly string[]): string[] => phrases.flatMap((phrase) => [phrase, `${phrase}s`]);

/** Names for any text before them: `password`, also `db_password` and `dbPassword`. */
const secretNames = [
  ...plurals(["pass word", "pass phrase", "passwd", "pass code", "secret", "credential"]),
  ...plurals("api access secret private account encryption signing master auth".split(" ").map((of) => `${of} key`)),
  ..."db database smtp mail email mysql pg postgres redis ftp ssh user admin root".split(" ").map((of) => `${of} pass`),
  "service role key",
];

/** Names that must not stand behind a letter: they are short, and ends of other words. */
const shortNames = ["jwt", "cvv", "cvv2", "cvc", "cvc2", "creds"];

/** Headers, whose value is a scheme and a credential, or many pairs. */
const headerNames = ["authorization", "cookie", "cookies"];

/** What a `token` is not a credential by: a position in a listing, a unit of text, a count. */
const harmlessTokens = (
  "page next prev previous continuation sync cancellation delimiter stop special eos bos eot pad unk mask sep cls start " +
  "end first last per each max min num total input output prompt completion reasoning thinking cached"
).split(" ");

/** The names whose values are secrets, to be followed by the end of the name. Groups say what the value may be. */
export const KEY_NAMES: string = [
  any(secretNames),
  `(?<![A-Za-z])${any(shortNames)}`,
  `(?<header>${any(headerNames)})`,
  `(?<pwd>${name("pwd")})`,
  `(?<!${any(harmlessTokens)}${separator})${name("token")}`,
].join("|");

/**
 * The same for the prefilter: without what must not stand before a name, because in JSON an escape can look like it:
 * `\next_token` may be a line feed and `ext_token`. By last letters, which are compared first: 0.9 ns a character instead of 1.9.
 */
export const KEY_NAME_HINTS: string = (() => {
  const byLast = new Map<string, string[]>();
  for (const phrase of [...secretNames, ...shortNames, ...headerNames, "pwd", "token"]) {
    const last = phrase.at(-1)!;
    byLast.set(last, [...(byLast.get(last) ?? []), phrase.slice(0, -1)]);
  }
  return [...byLast].map(([last, beginnings]) => any(beginnings) + name(last)).join("|");
})();

/** An own name, exactly: `_`, `-` and spaces make no difference wherever they stand. */
export function ownKeySource(key: string): string {
  return [...key.replaceAll(/[_ -]/g, "")].map(anyCase).join("[_ -]{0,2}");
}

/** Tells whether the value of a member of a JSON object is a secret by its key. */
export function keyTest(ownKeys: readonly string[]): (key: string) => boolean {
  const own = ownKeys.map((key) => `^[_ -]{0,2}${ownKeySource(key)}[_ -]{0,2}$`);
  const pattern = new RegExp([`(?:${KEY_NAMES})$`, ...own].join("|"));
  return (key) => pattern.test(key);
}
