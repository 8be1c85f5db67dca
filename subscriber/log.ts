/** Structured logs in Cloud Logging's form: one JSON object a line, on stderr. Never the content of an event. */

type Severity = "INFO" | "WARNING" | "ERROR";

export function log(severity: Severity, message: string, fields: { readonly [name: string]: unknown } = {}): void {
  process.stderr.write(`${JSON.stringify({ severity, message, time: new Date().toISOString(), ...fields })}\n`);
}
