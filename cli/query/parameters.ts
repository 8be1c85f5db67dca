import { IndelibleError } from "@indelible/schemas/errors.ts";

export interface QueryParameters {
  readonly params: { readonly [name: string]: string | { readonly value: string } };
  readonly types: { readonly [name: string]: string };
}

const form = /^([A-Za-z_]\w*)(?::([A-Za-z]\w*))?=(.*)$/s;
const types = [
  "STRING",
  "INT64",
  "FLOAT64",
  "NUMERIC",
  "BIGNUMERIC",
  "BOOL",
  "TIMESTAMP",
  "DATE",
  "TIME",
  "DATETIME",
  "JSON",
];

/** Parameters from `name=value` and `name:TYPE=value`. @throws ERR_CONFIG */
export function parametersOf(texts: readonly string[]): QueryParameters {
  const parsed = texts.map((text) => {
    const [, name, type = "STRING", value] = form.exec(text) ?? [];
    if (name === undefined || value === undefined) throw refuse(`--param ${text} is not name=value or name:TYPE=value`);
    const upper = type.toUpperCase();
    if (!types.includes(upper)) throw refuse(`--param ${text}: the type must be one of ${types.join(", ")}`);
    return { name, type: upper, value };
  });
  return {
    // Of types with DATE or TIME in their name the client sends the `value` of an object, of others the value itself.
    params: Object.fromEntries(
      parsed.map(({ name, type, value }) => [name, /DATE|TIME/.test(type) ? { value } : value]),
    ),
    types: Object.fromEntries(parsed.map(({ name, type }) => [name, type])),
  };
}

function refuse(message: string): IndelibleError {
  return new IndelibleError("ERR_CONFIG", message, {
    hint: "For instance --param agent=CFO or --param ms:INT64=5000.",
  });
}
