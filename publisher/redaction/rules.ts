import { cardRule } from "./cards.ts";
import { namedValues } from "./named-values.ts";
import { patterns } from "./patterns.ts";
import { privateKeyRule } from "./private-keys.ts";
import { patternRule, type Hint, type Rule } from "./rule.ts";
import { sourceOf, tokenHints, tokens } from "./tokens.ts";

/** What is looked for in a text, and how to see that there is none of it. */
export interface Rules {
  /** In the order in which they are applied: a secret is of the most telling kind that it fits. */
  readonly rules: readonly Rule[];
  /** Whether the value of a member of a JSON object is a secret by its key. */
  isSecret(key: string, value: unknown): boolean;
  /**
   * False only where none of the rules can find anything, be `text` a text or the JSON that it stands in; true also where none
   * does.
   */
  mayFind(text: string): boolean;
}

/** The built-in kinds, in alphabetical order. */
export const kinds: readonly string[] = [
  ...new Set([
    ...tokens.map(({ kind }) => kind),
    ...patterns.map(({ kind }) => kind),
    privateKeyRule.kind,
    cardRule.kind,
    "key",
  ]),
].sort();

/** The built-in rules, with the names of keys that a user added. */
export function builtInRules(ownKeys: readonly string[]): Rules {
  const named = namedValues(ownKeys);
  const withHints = [...patterns.map(patternRule), privateKeyRule, cardRule];
  const tokenRules = tokens.map((token) =>
    patternRule({ kind: token.kind, source: sourceOf(token), first: "", rest: "" }),
  );
  return {
    rules: [privateKeyRule, ...tokenRules, ...withHints.filter((rule) => rule !== privateKeyRule), named],
    isSecret: (key, value) => named.isSecret(key, value),
    mayFind: prefilterOf([...tokenHints(), ...withHints.map(({ hint }) => hint), ...named.hints]),
  };
}

/**
 * Asks, at the few characters that a secret must have (`-`, `_`, `:`, the z of `AIza`), what stands around them: 2 ns a
 * character. Looking for the beginnings of all secrets at each character would take ten times as long, and one expression for
 * both punctuation and letters takes 4 ns: the rare letters alone are skipped to.
 */
function prefilterOf(hints: readonly Hint[]): (text: string) => boolean {
  const isLetter = ({ first }: Hint): boolean => /[A-Za-z]/.test(first);
  const common = anyOf(hints.filter((hint) => !isLetter(hint)));
  const rare = anyOf(hints.filter(isLetter));
  return (text) => common.test(text) || rare.test(text);
}

function anyOf(hints: readonly Hint[]): RegExp {
  const byFirst = new Map<string, string[]>();
  for (const { first, rest } of hints) byFirst.set(first, [...(byFirst.get(first) ?? []), rest]);
  return new RegExp([...byFirst].map(([first, rests]) => `${first}(?:${rests.join("|")})`).join("|"));
}
