import { markerOf } from "./marker.ts";
import { replaceEach, type HintedRule } from "./rule.ts";

/** Beginnings of card numbers, with their lengths, of the issuers in use. */
const issuers: readonly (readonly [prefix: RegExp, lengths: readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^220[0-4]/, [16, 17, 18, 19]],
  [/^3[47]/, [15]],
  [/^(?:6011|64[4-9]|65)/, [16, 17, 18, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^35(?:2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^3(?:0[0-5]|095|[68-9])/, [14, 15, 16, 17, 18, 19]],
  [/^(?:50|5[6-8]|6[037])/, [13, 14, 15, 16, 17, 18, 19]],
];

/** Whether `digits` can be the number of a card: issuer, length, and the check digit (Luhn). */
export function isCardNumber(digits: string): boolean {
  return issuers.some(([prefix, lengths]) => lengths.includes(digits.length) && prefix.test(digits)) && hasLuhn(digits);
}

function hasLuhn(digits: string): boolean {
  let sum = 0;
  for (let at = digits.length - 1, doubles = false; at >= 0; at -= 1, doubles = !doubles) {
    const digit = digits.charCodeAt(at) - 48;
    sum += doubles ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit;
  }
  return sum % 10 === 0;
}

// No digit of a longer number, an identifier, a fraction or a telephone number stands before it, and none follows.
const before = String.raw`(?:(?<![\w+])(?<!\d\.)|(?<=\\[bfnrt]|\\u[0-9a-fA-F]{4}))`;
const after = String.raw`(?!\w)(?!\.\d)`;
const contiguous = String.raw`[2-6]\d{12,18}${after}`;
// A dash at either end makes it a part of something longer, such as a UUID of digits only.
const inGroups = String.raw`(?<!-)(?:[2-6]\d{3}([ -])\d{4}\1\d{4}\1\d{1,4}(?:\1\d{1,3})?|3\d{3}([ -])\d{6}\2\d{4,5}|(?<!\d )[2-6](?:[ -]?\d){12,18}(?! ?\d))${after}(?!-)`;

/** Numbers of payment cards, in one piece or in groups with single spaces or dashes between them. */
export const cardRule: HintedRule = (() => {
  const pattern = new RegExp(`${before}(?:${contiguous}|${inGroups})`, "g");
  const marker = markerOf("card");
  return {
    kind: "card",
    hint: { first: "[2-6]", rest: String.raw`(?<=(?<!\w)\d|\\[bfnrt]\d|\\u[0-9a-fA-F]{4}\d)(?:[ -]?\d){12}` },
    replace: (text, found) =>
      replaceEach(text, pattern, ([match]) => {
        // The last group may be the check number that is printed beside it.
        const shorter = match.replace(/[ -]\d{1,3}$/, "");
        const number = [match, shorter].find((each) => isCardNumber(each.replaceAll(/[ -]/g, "")));
        if (number === undefined) return undefined;
        found();
        return marker + match.slice(number.length);
      }),
  };
})();
