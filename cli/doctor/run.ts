import { jsonText } from "../terminal/json-text.ts";
import { examine } from "./examine.ts";
import type { Check } from "./check.ts";
import { checksText } from "./text.ts";

export interface DoctorFlags {
  readonly strict?: true;
  readonly json?: true;
  readonly data: string;
}

/** What did not answer in time may still be waited for by its client, which would keep the process. */
const lingerMs = 500;

/** Prints what was found. @returns the exit code */
export async function runDoctor({ strict, json, data }: DoctorFlags): Promise<0 | 1> {
  const checks = await examine(data);
  const asText = process.stdout.isTTY && json !== true;
  const text = asText ? checksText(checks, process.stdout.columns) : jsonText(checks);
  process.stdout.write(text, () => setTimeout(() => process.exit(), lingerMs).unref());
  return exitCodeOf(checks, strict === true);
}

/** 1 when there is a problem or something could not be found out; with `strict`, also when there is a warning. */
export function exitCodeOf(checks: readonly Check[], strict: boolean): 0 | 1 {
  const bad = checks.some(
    ({ status }) => status === "problem" || status === "unknown" || (strict && status === "warning"),
  );
  return bad ? 1 : 0;
}
