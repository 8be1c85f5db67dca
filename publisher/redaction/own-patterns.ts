import { markerOf } from "./marker.ts";
import { replaceEach, type Rule } from "./rule.ts";

/**
 * A user's pattern. It may match anything, a marker too: what lies within one is left, so that redacting again changes nothing.
 *
 * @param kinds whose markers there can be
 */
export function ownRule(kind: string, pattern: RegExp, kinds: readonly string[]): Rule {
  const flags = new Set([...pattern.flags, "g"]);
  flags.delete("y");
  const own = new RegExp(pattern.source, [...flags].join(""));
  const markers = new RegExp(String.raw`\[REDACTED:(?:${kinds.join("|")})\]`, "g");
  const marker = markerOf(kind);
  return {
    kind,
    replace(text, found) {
      const spans = [...text.matchAll(markers)].map((match) => [match.index, match.index + match[0].length] as const);
      let next = 0;
      return replaceEach(text, own, (match) => {
        const end = match.index + match[0].length;
        while (next < spans.length && spans[next]![1] <= match.index) next += 1;
        const span = spans[next];
        if (span !== undefined && span[0] <= match.index && end <= span[1]) return undefined;
        found();
        return marker;
      });
    },
  };
}
