import { readFileSync } from "node:fs";
import { openPolicy, parsePolicy } from "./policy.ts";
import type { Policy } from "./policy.ts";

/** The policy in the file that `--access` names; without one, everybody may do everything. @throws {Error} */
export function policyOfOption(path: string | undefined): Policy {
  if (path === undefined) return openPolicy;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    // Without the parser's message, which quotes what is there: that may be a token.
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "it is not JSON";
    throw new Error(`--access ${path} cannot be read (${reason}): give a file with a policy in JSON.`, { cause });
  }
  try {
    return parsePolicy(value);
  } catch (cause) {
    throw new Error(`--access ${path}: ${(cause as Error).message}`, { cause });
  }
}
