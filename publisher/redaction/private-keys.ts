import { markerOf } from "./marker.ts";
import type { HintedRule } from "./rule.ts";

/** A key ends within this many characters of its beginning. */
const MAX_CHARS = 100_000;

const begin = /-{4,5} ?BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}/g;
const restOfEnd = / ?END [A-Z0-9 ]{0,60}-{0,5}/y;
// Between lines, in a text, in JSON, in a program: line ends, their escapes, quotes and what joins texts.
const between =
  /(?:Proc-Type: ?[\w, ]{0,40}|DEK-Info: ?[\w, -]{0,120})?[\s\\"'`+|>,.]{0,64}(?:(?<=\\)[nrt][\s\\]{0,64}){0,4}/y;
const line = /[A-Za-z0-9+/=]+/y;

/** The fewest characters of a line of a key that is not its last one. */
const MIN_LINE_CHARS = 16;

/**
 * PEM blocks of private keys, as a whole. Where the end is missing, because a preview was cut or a log line was, as far as
 * what follows still looks like a key.
 */
export const privateKeyRule: HintedRule = {
  kind: "private-key",
  hint: { first: "-", rest: String.raw`(?<=---) ?BEGIN [A-Z0-9 ]{0,40}PRIVATE` },
  replace(text, found) {
    let result = "";
    let done = 0;
    let nextEnd = 0;
    begin.lastIndex = 0;
    for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
      const start = begin.lastIndex;
      // Looked for once, whatever the number of beginnings, so that the time stays linear.
      if (nextEnd !== -1 && nextEnd < start) nextEnd = text.indexOf("---END ", start);
      const hasEnd = nextEnd !== -1 && nextEnd - start <= MAX_CHARS;
      const end = hasEnd ? endOfEnd(text, nextEnd) : endOfLines(text, start);
      // Of a beginning alone nothing is secret.
      if (end === start) continue;
      result += text.slice(done, match.index) + markerOf("private-key");
      found();
      done = end;
      begin.lastIndex = end;
    }
    return done === 0 ? text : result + text.slice(done);
  },
};

function endOfEnd(text: string, at: number): number {
  restOfEnd.lastIndex = at + 3;
  return restOfEnd.test(text) ? restOfEnd.lastIndex : at;
}

function endOfLines(text: string, start: number): number {
  let end = start;
  for (;;) {
    between.lastIndex = end;
    between.test(text);
    line.lastIndex = between.lastIndex;
    if (!line.test(text)) return end;
    if (line.lastIndex - between.lastIndex < MIN_LINE_CHARS && line.lastIndex < text.length) return end;
    end = line.lastIndex;
  }
}
