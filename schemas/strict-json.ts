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
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match !== null; match = tokens.exec(text)) {
    const token = match[0];
    const first = token[0];
    if (first === "{") open.push(new Set());
    else if (first === "[") open.push(undefined);
    else if (first === "}" || first === "]") open.pop();
    else if (first === '"') {
      if (token.endsWith(":")) checkKey(token, open.at(-1));
    } else checkNumber(token);
  }
}

// A string (with its colon, when it is a key), a number, or a bracket; all else in valid JSON matters to nobody here.
const tokens = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d[\d.eE+-]*|[{}[\]]/g;

function checkKey(token: string, keys: Set<string> | undefined): void {
  const key = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1)) as string;
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
  const digits = all.replace(/0+$/, "");
  if (digits === "") return { digits: "0", exponent: 0 };
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length };
}

function lossy(token: string, value: number): IndelibleError {
  const shown = token.length > 40 ? `${token.slice(0, 40)}…` : token;
  return new IndelibleError("ERR_LOSSY_NUMBER", `the number ${shown} would be read as ${value}`);
}
