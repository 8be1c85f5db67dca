import { anyCase } from "./boundary.ts";

const separator = "[_. -]?";

/** Words of a name, in any case, joined by `_`, `-`, `.`, a space or nothing. `words` are separated by spaces. */
function name(words: string): string {
  return words.split(" ").map(anyCase).join(separator);
}

const any = (...words: string[]): string => `(?:${words.map(name).join("|")})`;
const plural = "[sS]?";

/** Names for any text before them: `password`, also `db_password` and `dbPassword`. */
const secretNames = [
  `${any("pass word", "pass phrase", "passwd", "pass code", "secret", "credential", "authorization code")}${plural}`,
  `${any("api", "access", "secret", "private", "account", "encryption", "signing", "master", "auth", "service role")}${separator}${name("key")}${plural}`,
  `${any("db", "database", "smtp", "mail", "email", "mysql", "pg", "postgres", "redis", "ftp", "ssh", "user", "admin", "root")}${separator}${name("pass")}`,
];

/** Names that must not stand behind a letter: they are short, and ends of other words. */
const shortNames = any("jwt", "cvv", "cvv2", "cvc", "cvc2", "creds");

/** Headers, whose value is a scheme and a credential, or many pairs. */
const headerNames = `(?:${name("authorization")}|${name("cookie")}${plural})`;

/** What a `token` is not a credential by: a position in a listing, a unit of text, a count. */
const harmlessTokens = any(
  ...(
    "page next prev previous continuation sync cancellation delimiter stop special eos bos eot pad unk mask sep cls " +
    "start end first last per each max min num total input output prompt completion reasoning thinking cached"
  ).split(" "),
);

/**
 * The names whose values are secrets, to be followed by the end of the name. Groups say what the value may be.
 */
export const KEY_NAMES: string = [
  ...secretNames,
  `(?<![A-Za-z])${shortNames}`,
  `(?<header>${headerNames})`,
  `(?<pwd>${name("pwd")})`,
  `(?<!${harmlessTokens}${separator})${name("token")}`,
].join("|");

/**
 * The same for the prefilter: without what must not stand before a name, because in JSON an escape can look like it:
 * `\next_token` may be a line feed and `ext_token`.
 */
export const KEY_NAME_HINTS: string = [...secretNames, shortNames, headerNames, name("pwd"), name("token")].join("|");

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
