import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { StackConfig } from "./settings.ts";

/**
 * The configuration in a `Pulumi.<stack>.yaml`, as Pulumi hands it to the program: texts as they are, everything else as JSON.
 *
 * @throws ERR_CONFIG
 */
export function readStackFile(path: string): StackConfig {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const hint = "Copy infra/Pulumi.example.yaml to infra/Pulumi.<stack>.yaml.";
    throw new IndelibleError("ERR_CONFIG", `${path} cannot be read`, { cause, hint });
  }
  let value: unknown;
  try {
    // A time stays the text that it is, as in Pulumi.
    value = parse(text, { schema: "core" });
  } catch (cause) {
    throw new IndelibleError("ERR_CONFIG", `${path} is no YAML`, { cause, hint: (cause as Error).message });
  }
  const config: unknown = isObject(value) ? value["config"] : undefined;
  if (!isObject(config))
    throw new IndelibleError("ERR_CONFIG", `${path} has no config`, { hint: "It begins with config:" });
  const entries = Object.entries(config).filter(([, entry]) => entry !== null);
  return Object.fromEntries(
    entries.map(([key, entry]) => [key, typeof entry === "string" ? entry : JSON.stringify(entry)]),
  );
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
