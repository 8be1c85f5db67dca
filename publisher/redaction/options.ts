import { IndelibleError } from "@indelible/schemas/errors.ts";
import { markerOf } from "./marker.ts";
import { builtInRules } from "./rules.ts";

/** What to redact beside what is built in. Survives `structuredClone`. */
export interface RedactionOptions {
  /** Own patterns, applied to each decoded text: values and keys. `kind` stands in the marker: a-z, 0-9 and -, 1 to 40. */
  readonly patterns?: readonly { readonly kind: string; readonly pattern: RegExp }[];
  /** Own key names, beside the built-in ones. Compared without case, `_`, `-` and spaces. */
  readonly keys?: readonly string[];
}

/** @throws ERR_CONFIG naming the option and what it accepts */
export function assertRedactionOptions(options: unknown): asserts options is RedactionOptions {
  if (!isObject(options)) throw refuse("redaction", "an object with patterns and keys, or left out");
  for (const name of Object.keys(options)) {
    if (name !== "patterns" && name !== "keys")
      throw refuse(`redaction.${name}`, "left out: only patterns and keys are known");
  }
  const { patterns = [], keys = [] } = options;
  if (!Array.isArray(patterns)) throw refuse("redaction.patterns", "a list of { kind, pattern }");
  const { rules } = builtInRules([]);
  for (const [index, each] of (patterns as readonly unknown[]).entries()) {
    const name = `redaction.patterns[${index}]`;
    if (!isObject(each)) throw refuse(name, "an object { kind, pattern }");
    const { kind, pattern } = each;
    if (typeof kind !== "string" || !/^[a-z][a-z0-9-]{0,39}$/.test(kind)) {
      throw refuse(`${name}.kind`, "1 to 40 of a-z, 0-9 and -, a letter first");
    }
    const marker = markerOf(kind);
    if (rules.some((rule) => rule.replace(marker, () => {}) !== marker)) {
      throw refuse(`${name}.kind`, "no text that would be redacted itself");
    }
    if (!(pattern instanceof RegExp)) throw refuse(`${name}.pattern`, "a regular expression");
  }
  if (!Array.isArray(keys)) throw refuse("redaction.keys", "a list of names");
  for (const [index, key] of (keys as readonly unknown[]).entries()) {
    if (typeof key !== "string" || !isKeyName(key)) {
      throw refuse(
        `redaction.keys[${index}]`,
        "a name of 1 to 128 characters, not only of _, - and spaces, without quotes, backslashes and control characters",
      );
    }
  }
}

function isKeyName(key: string): boolean {
  return key.length <= 128 && /[^_ -]/.test(key) && !/["\\\p{Cc}]/u.test(key) && key.isWellFormed();
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(name: string, accepted: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `createPublisher(): ${name} must be ${accepted}`, {
    hint: `Give createPublisher() a ${name} that is ${accepted}. See docs/redaction.md.`,
  });
}
