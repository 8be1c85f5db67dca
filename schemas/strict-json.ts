import { IndelibleError } from "./errors.ts";

/**
 * Checks that `JSON.parse` lost nothing of `text`, which must be valid JSON: no key stands twice in one object, and every
 * number is the one that was written: written again, it has the same decimal value. Fractions may have up to 17
 * significant digits, because many languages write every double with that many. Lone surrogates and -0 are the canonicalizer's to find.
 *
 * @throws ERR_DUPLICATE_KEY, ERR_LOSSY_NUMBER
 */
export function assertLossless(text: string): void {
  // One set of keys for each open object, undefined for each open array.
  const open: (Set<string> | undefined)[] = [];
  // Whether a text that comes next is a key, if it stands in an object.
  let beforeKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case CODE.quote: {
        const end = endOfString(text, at);
        if (beforeKey) checkKey(text.slice(at, end), open.at(-1));
        beforeKey = false;
        at = end - 1;
        break;
      }
      case CODE.openBrace:
        open.push(new Set());
        beforeKey = true;
        break;
      case CODE.openBracket:
        open.push(undefined);
        beforeKey = false;
        break;
      case CODE.closeBrace:
      case CODE.closeBracket:
        open.pop();
        break;
      case CODE.comma:
        beforeKey = open.at(-1) !== undefined;
        break;
      default:
        if (isNumberStart(text.charCodeAt(at))) {
          const end = endOfNumber(text, at);
          checkNumber(text.slice(at, end));
          at = end - 1;
        }
    }
  }
}

const CODE = {
  quote: 0x22,
  comma: 0x2c,
  minus: 0x2d,
  zero: 0x30,
  nine: 0x39,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

// Strings and numbers are scanned, not matched: over a text of some MB, a regular expression with alternatives overflows its stack.

/** Where the string that begins at `start` has ended: behind its closing quote. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === CODE.backslash) backslashes += 1;
    if (backslashes % 2 === 0) return quote + 1;
  }
}

function isNumberStart(code: number): boolean {
  return code === CODE.minus || (code >= CODE.zero && code <= CODE.nine);
}

const numberEnd = /[^\d.eE+-]|$/g;

function endOfNumber(text: string, start: number): number {
  numberEnd.lastIndex = start;
  return numberEnd.exec(text)?.index ?? text.length;
}

function checkKey(token: string, keys: Set<string> | undefined): void {
  const key = JSON.parse(token) as string;
  if (keys?.has(key)) throw new IndelibleError("ERR_DUPLICATE_KEY", `the key ${JSON.stringify(key)} stands twice`);
  keys?.add(key);
}

function checkNumber(token: string): void {
  const value = Number(token);
  if (!Number.isFinite(value)) throw lossy(token, value);
  const written = decimal(token);
  const read = decimal(String(value));
  if (written.digits === read.digits && written.exponent === read.exponent) return;
  // The decimal value is digits * 10^exponent with no trailing zero in digits, so a fraction has a negative exponent.
  if (written.exponent >= 0 || written.digits.length > 17 || value === 0) throw lossy(token, value);
}

/** Digits without leading and trailing zeros, and the power of ten that they are to be multiplied by. */
function decimal(token: string): { digits: string; exponent: number } {
  const [mantissa = "", power = "0"] = token.replace("-", (_, at: number) => (at === 0 ? "" : "-")).split(/[eE]/);
  const [whole = "", fraction = ""] = mantissa.split(".");
  const all = (whole + fraction).replace(/^0+/, "");
  // Not by a regular expression, which would try again at each zero of a million that do not stand at the end.
  let length = all.length;
  while (all.charCodeAt(length - 1) === CODE.zero) length -= 1;
  const digits = all.slice(0, length);
  if (digits === "") return { digits: "0", exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length };
}

function lossy(token: string, value: number): IndelibleError {
  const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token;
  return new IndelibleError("ERR_LOSSY_NUMBER", `the number ${shown} would be read as ${value}`);
}
