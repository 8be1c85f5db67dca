import { anyCase, STRICT_EDGE } from "./boundary.ts";
import { KEY_NAME_HINTS, KEY_NAMES, keyTest, ownKeySource } from "./key-names.ts";
import { isMarker, markerOf } from "./marker.ts";
import type { Hint, Rule } from "./rule.ts";

/** What may stand between a name and the `:` or `=` behind it: the end of a text, at any depth, an index, bold type. */
const closing = String.raw`[\\"'${"`"}\])*]{0,12}(?: {0,8}|\t{0,4})`;
const closingHint = String.raw`[\\"'${"`"}\])* ]{0,40}(?:(?:\\t){1,4})?`;

const marker = markerOf("key");

/** Words that stand where a value would, and say that there is none. */
const noValue =
  /^(?:null|nil|none|undefined|true|false|string|str|number|int|integer|boolean|bool|bytes|any|unknown|object|required|optional)$/i;

/** The directory that a shell calls PWD. */
const path = /^(?:~?\/|[A-Za-z]:[\\/])/;

const opening = /[ \t]{0,16}(?:[bfruBFRU]{1,2}(?=\\{0,31}["']))?(?<quote>(?<backslashes>\\{0,31})(?:"""|'''|["'`]))?/y;
const scheme = /[A-Za-z][\w-]{1,20}[ \t]{1,4}(?=[^\s"'`\\,;&<])/y;
const pairs = /[^\r\n"'`\\<=]{1,64}=/y;
const restOfLine = /[^\r\n"'`\\<]*/y;
const redacted = /\[REDACTED:[a-z][a-z0-9-]{0,39}\]/y;
// What a `,`, `;`, `&` or closing bracket that ends a value is followed by.
const beyond = /$|[\s"'`\\,;)}\]]|[\w.-]{1,40}[=:]/y;

/** Where a value stands in a text. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly isQuoted: boolean;
}

export interface NamedValues extends Rule {
  readonly hints: readonly Hint[];
  /** Whether the value of a member of a JSON object is a secret by its key. */
  isSecret(key: string, value: unknown): boolean;
}

/**
 * The values of secret names within a text: JSON, also cut off or in JSON in JSON; `key=value`, `key: value`, headers,
 * options of a command.
 */
export function namedValues(ownKeys: readonly string[]): NamedValues {
  const own = ownKeys.map((key) => `${STRICT_EDGE}${ownKeySource(key)}[_ -]{0,2}`);
  const names = `(?:${[KEY_NAMES, ...own].join("|")})`;
  const ownHints = ownKeys.map((key) => `${ownKeySource(key)}[_ -]{0,2}`);
  const hint = (separator: string): string =>
    `(?<=(?:${[KEY_NAME_HINTS, ...ownHints].join("|")})${closingHint}${separator})`;
  const assignment = new RegExp(
    String.raw`[:=](?<=${names}(?<closing>${closing})[:=])(?:(?<==)>|(?<=:)=)?(?!=|:|\/\/)`,
    "g",
  );
  const option = /--([A-Za-z][\w-]{0,60}) {1,8}(?=[^\s-])/g;
  const isSecretName = keyTest(ownKeys);

  function replaceAssignments(text: string, found: () => void): string {
    let result = "";
    let done = 0;
    assignment.lastIndex = 0;
    for (let match = assignment.exec(text); match !== null; match = assignment.exec(text)) {
      const { header, pwd, closing: close = "" } = match.groups as { [name: string]: string | undefined };
      const span = valueAfter(text, assignment.lastIndex, header !== undefined);
      if (span === undefined) continue;
      // Not searched again: the time would be quadratic where a value has more names in it.
      assignment.lastIndex = span.end;
      const value = text.slice(span.start, span.end);
      if (isHarmless(value) || (pwd !== undefined && path.test(value))) continue;
      // In JSON, what replaces a number, an object or an array is a text.
      const quote = !span.isQuoted ? (/\\*["']/.exec(close)?.[0] ?? "") : "";
      result += `${text.slice(done, span.start)}${quote}${marker}${quote}`;
      done = span.end;
      found();
    }
    return done === 0 ? text : result + text.slice(done);
  }

  function replaceOptions(text: string, found: () => void): string {
    let result = "";
    let done = 0;
    option.lastIndex = 0;
    for (let match = option.exec(text); match !== null; match = option.exec(text)) {
      if (!isSecretName(match[1]!)) continue;
      const span = valueAfter(text, option.lastIndex, false);
      if (span === undefined) continue;
      option.lastIndex = span.end;
      if (isHarmless(text.slice(span.start, span.end))) continue;
      result += text.slice(done, span.start) + marker;
      done = span.end;
      found();
    }
    return done === 0 ? text : result + text.slice(done);
  }

  return {
    kind: "key",
    hints: [
      { first: ":", rest: hint(":") },
      { first: "=", rest: hint("=") },
      { first: "-", rest: `(?<=--)[\\w-]{0,60}?(?:${[KEY_NAME_HINTS, ...ownHints].join("|")})` },
    ],
    replace: (text, found) => replaceOptions(replaceAssignments(text, found), found),
    isSecret: (key, value) => isSecretName(key) && !(typeof value === "string" && isPwd.test(key) && path.test(value)),
  };
}

const isPwd = new RegExp(`${anyCase("pwd")}$`);

function isHarmless(value: string): boolean {
  return noValue.test(value) || isMarker(value) || isMarker(value.replace(/^[A-Za-z][\w-]{1,20}[ \t]{1,4}/, ""));
}

/** The value that begins at `at`, without its quotes; undefined where there is none. */
function valueAfter(text: string, at: number, isHeader: boolean): Span | undefined {
  opening.lastIndex = at;
  const { quote, backslashes } = opening.exec(text)!.groups as { quote?: string; backslashes?: string };
  const start = opening.lastIndex;
  if (quote !== undefined) {
    const end = endOfQuoted(text, start, quote.slice(backslashes!.length), backslashes!.length);
    return end === start ? undefined : { start, end, isQuoted: true };
  }
  const first = text.charAt(start);
  if ((first === "{" || first === "[") && !redactedAt(text, start)) {
    const end = endOfBrackets(text, start);
    return /^.[\s]{0,16}.$/s.test(text.slice(start, Math.min(end, start + 20)))
      ? undefined
      : { start, end, isQuoted: false };
  }
  const end = isHeader ? endOfHeader(text, start) : endOfBare(text, start);
  return end === start ? undefined : { start, end, isQuoted: false };
}

/**
 * Where the quote that began behind `depth` backslashes ends: at the next one, unless more backslashes stand before it: in JSON
 * in JSON, those of an escaped quote are twice as many and one. At the end of the text where it was cut off.
 */
function endOfQuoted(text: string, start: number, quote: string, depth: number): number {
  for (let at = text.indexOf(quote, start); at !== -1; at = text.indexOf(quote, at + 1)) {
    let backslashes = 0;
    while (at - backslashes > start && text[at - backslashes - 1] === "\\") backslashes += 1;
    if (backslashes % (2 * (depth + 1)) !== 2 * depth + 1) return at - Math.min(backslashes, depth);
  }
  return text.length;
}

/** Where the object or array that begins at `start` ends; what is within texts does not count. */
function endOfBrackets(text: string, start: number): number {
  const mark = /\\*["']|[{}[\]]/g;
  mark.lastIndex = start;
  let depth = 0;
  for (let match = mark.exec(text); match !== null; match = mark.exec(text)) {
    const [what] = match;
    if (what === "{" || what === "[") depth += 1;
    else if (what === "}" || what === "]") depth -= 1;
    else mark.lastIndex = skipQuoted(text, mark.lastIndex, what);
    if (depth === 0) return mark.lastIndex;
  }
  return text.length;
}

function skipQuoted(text: string, start: number, opening: string): number {
  const depth = opening.length - 1;
  const end = endOfQuoted(text, start, opening.at(-1)!, depth);
  return Math.min(text.length, end + opening.length);
}

/** Where a value without quotes ends: at white space, a quote, an escape, or at what separates it from a next one. */
function endOfBare(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === "[") {
      redacted.lastIndex = at;
      if (redacted.test(text)) at = redacted.lastIndex - 1;
      continue;
    }
    if (/[\s"'`]/.test(character) || (character === "<" && at > start)) break;
    if (character === "\\" && /["'\\nrtbfu/]/.test(text[at + 1] ?? "")) break;
    if (",;&)}]".includes(character)) {
      beyond.lastIndex = at + 1;
      if (beyond.test(text)) break;
    }
  }
  return at;
}

/** A header's value: the rest of its line if it is made of pairs, else at most a scheme and a credential. */
function endOfHeader(text: string, start: number): number {
  pairs.lastIndex = start;
  if (pairs.test(text)) {
    restOfLine.lastIndex = pairs.lastIndex;
    restOfLine.test(text);
    return restOfLine.lastIndex;
  }
  scheme.lastIndex = start;
  return endOfBare(text, scheme.test(text) ? scheme.lastIndex : start);
}

function redactedAt(text: string, at: number): boolean {
  redacted.lastIndex = at;
  return redacted.test(text);
}
