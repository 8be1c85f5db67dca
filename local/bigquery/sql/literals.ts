import { StatementFault } from "./errors.ts";

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "?": 63,
  '"': 34,
  "'": 39,
  "`": 96,
};

/**
 * Decodes the inside of a quoted literal. In a STRING an escape names a code point; in BYTES it names a byte, and every
 * other character stands for its UTF-8 bytes, so the answer for BYTES is one character (0..255) a byte.
 *
 * @param offset where `body` begins in the statement, for error messages
 */
export function unescapeLiteral(body: string, kind: "STRING" | "BYTES", offset: number): string {
  let decoded = "";
  let position = 0;
  while (position < body.length) {
    const backslash = body.indexOf("\\", position);
    const plain = body.slice(position, backslash < 0 ? body.length : backslash);
    decoded += kind === "BYTES" ? toByteCharacters(plain) : plain;
    if (backslash < 0) break;
    const escape = readEscape(body, backslash, kind, offset);
    decoded += String.fromCodePoint(escape.code);
    position = escape.end;
  }
  return decoded;
}

function readEscape(body: string, backslash: number, kind: string, offset: number): { code: number; end: number } {
  const letter = body[backslash + 1] ?? "";
  const simple = simpleEscapes[letter];
  if (simple !== undefined) return { code: simple, end: backslash + 2 };
  const [start, length, radix] = numericEscape(letter, kind);
  const digits = body.slice(backslash + start, backslash + start + length);
  const valid = radix === 8 ? /^[0-3][0-7]{2}$/ : /^[0-9a-fA-F]+$/;
  const code = Number.parseInt(digits, radix);
  const isCodePoint = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  if (length === 0 || digits.length !== length || !valid.test(digits) || !isCodePoint) {
    throw new StatementFault(`Syntax error: Illegal escape sequence: \\${letter}`, offset + backslash);
  }
  return { code, end: backslash + start + length };
}

/** Where the digits of a numeric escape start, how many they are, and their radix; no digits: no such escape. */
function numericEscape(letter: string, kind: string): [start: number, length: number, radix: number] {
  if (/[0-7]/.test(letter)) return [1, 3, 8];
  if (letter === "x" || letter === "X") return [2, 2, 16];
  if (kind === "STRING" && letter === "u") return [2, 4, 16];
  if (kind === "STRING" && letter === "U") return [2, 8, 16];
  return [2, 0, 16];
}

/** The UTF-8 bytes of a text, one character (0..255) a byte. */
export function toByteCharacters(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
