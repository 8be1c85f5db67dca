import { isObject } from "../json.ts";

/**
 * What a person should see of a line that a service wrote: of a structured log entry its message, and nothing below
 * WARNING; any other line as it is.
 */
export function readableLine(line: string): string | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (!isObject(entry)) return line;
  const { severity, message, time: _time, service: _service, ...details } = entry;
  if (typeof severity !== "string" || typeof message !== "string") return line;
  if (severity === "DEBUG" || severity === "INFO") return undefined;
  const rest = Object.keys(details).length === 0 ? "" : ` ${JSON.stringify(details)}`;
  return `${severity}: ${message}${rest}`;
}
