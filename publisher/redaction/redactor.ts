import { canonicalize } from "@indelible/schemas/canonical.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { isCardNumber } from "./cards.ts";
import { isMarker, markerOf } from "./marker.ts";
import type { RedactionOptions } from "./options.ts";
import { ownRule } from "./own-patterns.ts";
import type { Rule } from "./rule.ts";
import { builtInRules, kinds } from "./rules.ts";
import { replaceIn } from "./walk.ts";

export { assertRedactionOptions, type RedactionOptions } from "./options.ts";

/** How many secrets of each kind were redacted. */
export type Findings = { readonly [kind: string]: number };

export interface Redacted {
  readonly text: string;
  /** Undefined: nothing was found, and `text` is the very same string. */
  readonly findings: Findings | undefined;
}

/** Takes secrets out of events. Holds no state between calls. */
export interface Redactor {
  /**
   * Two passes of regular expressions: true when no line of `text` (one or many) can hold anything to redact. Errs towards
   * false only.
   */
  isClean(text: string): boolean;
  /**
   * The event with markers in the place of secrets: canonical JSON again, valid if it was, and the same when redacted
   * twice.
   *
   * @param text canonical JSON of one event
   * @throws ERR_REDACTION naming the kind whose pattern threw; never gives back a text that is half redacted
   */
  redact(table: TableName, text: string): Redacted;
}

/** Redaction can change what it finds next; after so many rounds it stays as it is. */
const MAX_ROUNDS = 5;

/** @param options as checked by assertRedactionOptions */
export function createRedactor(options: RedactionOptions = {}): Redactor {
  const builtIn = builtInRules(options.keys ?? []);
  const allKinds = [...kinds, ...(options.patterns ?? []).map(({ kind }) => kind)];
  const own = (options.patterns ?? []).map(({ kind, pattern }) => ownRule(kind, pattern, allKinds));

  function isClean(text: string): boolean {
    return own.length === 0 && !builtIn.mayFind(text);
  }

  return {
    isClean,
    redact(table, text) {
      const counts = new Map<string, number>();
      const count = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);

      function apply(rules: readonly Rule[], text: string, found: (kind: string) => void): string {
        let result = text;
        for (const rule of rules) result = attempt(rule.kind, () => rule.replace(result, () => found(rule.kind)));
        return result;
      }

      function redactText(text: string, found: (kind: string) => void): string {
        let result = text;
        for (let round = 0; round < MAX_ROUNDS; round += 1) {
          const before = result;
          result = apply(own, result, found);
          if (builtIn.mayFind(result)) result = apply(builtIn.rules, result, found);
          if (result === before) break;
        }
        return result;
      }

      function member(key: string, value: unknown): string | undefined {
        if (isEmpty(value) || !builtIn.isSecret(key, value)) return undefined;
        if (typeof value === "string" && isMarker(value)) return value;
        count("key");
        return markerOf("key");
      }

      function number(value: number): number | string {
        if (!Number.isInteger(value) || !isCardNumber(String(value))) return value;
        count("card");
        return markerOf("card");
      }

      const event = parse(text);
      const replacements = {
        text: (text: string) => redactText(text, count),
        again: (text: string) => redactText(text, () => {}),
        member,
        number,
      };
      const redacted = attempt("walk", () => canonicalize(replaceIn(tables[table], event, replacements)));
      return redacted === text
        ? { text, findings: undefined }
        : { text: redacted, findings: Object.fromEntries(counts) };
    },
  };
}

/** Without the cause, which quotes the text. */
function parse(text: string): Event {
  try {
    return JSON.parse(text) as Event;
  } catch {
    throw new IndelibleError("ERR_REDACTION", "redaction failed: the event is not JSON");
  }
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === "" || typeof value === "boolean";
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (IndelibleError.is(cause) && cause.code === "ERR_REDACTION") throw cause;
    throw new IndelibleError("ERR_REDACTION", `redaction failed at ${what}`, { cause });
  }
}
