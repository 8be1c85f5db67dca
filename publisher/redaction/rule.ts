import { isMarker, markerOf } from "./marker.ts";

/** Finds the secrets of one kind in a decoded text and puts the marker in their place. */
export interface Rule {
  readonly kind: string;
  /** @param found called for each secret */
  replace(text: string, found: () => void): string;
}

/**
 * A regular expression over JSON, in two parts, that finds whatever a rule finds in it, and possibly more: one character, and
 * what stands around it.
 */
export interface Hint {
  readonly first: string;
  readonly rest: string;
}

export interface HintedRule extends Rule {
  readonly hint: Hint;
}

export interface Pattern extends Hint {
  readonly kind: string;
  /**
   * Group 1, if there is one, is kept: it stands before the secret. Must take linear time on any text: no loop over
   * alternatives (megabytes of those overflow the engine's stack), no unbounded loop that can be followed by a failure.
   */
  readonly source: string;
  /** Has the last word about what the source found. */
  readonly accepts?: (secret: string, before: string) => boolean;
}

/** How much of the text before a secret `accepts` is shown. */
const BEFORE_CHARS = 300;

export function patternRule({ kind, source, first, rest, accepts }: Pattern): HintedRule {
  const pattern = new RegExp(source, "g");
  const marker = markerOf(kind);
  return {
    kind,
    hint: { first, rest },
    replace: (text, found) =>
      replaceEach(text, pattern, (match) => {
        const kept = match[1] ?? "";
        const secret = match[0].slice(kept.length);
        if (secret === "" || isMarker(secret)) return undefined;
        const before = accepts === undefined ? "" : text.slice(Math.max(0, match.index - BEFORE_CHARS), match.index);
        if (accepts?.(secret, before + kept) === false) return undefined;
        found();
        return kept + marker;
      }),
  };
}

/**
 * `text` with each match of `pattern`, which must have the flag g, replaced by what `replacementOf` gives; undefined
 * leaves it. Empty matches are passed over.
 */
export function replaceEach(
  text: string,
  pattern: RegExp,
  replacementOf: (match: RegExpExecArray) => string | undefined,
): string {
  let result = "";
  let end = 0;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match[0] === "") {
      pattern.lastIndex += (pattern.unicode || pattern.unicodeSets) && text.codePointAt(match.index)! > 0xffff ? 2 : 1;
      continue;
    }
    const replacement = replacementOf(match);
    if (replacement === undefined) continue;
    result += text.slice(end, match.index) + replacement;
    end = match.index + match[0].length;
  }
  return end === 0 && result === "" ? text : result + text.slice(end);
}
