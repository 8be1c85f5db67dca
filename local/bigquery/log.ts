export type Severity = "INFO" | "WARNING" | "ERROR";

/** One JSON line on stderr. Never pass it row content. */
export function log(severity: Severity, message: string, details: Readonly<Record<string, unknown>> = {}): void {
  process.stderr.write(`${JSON.stringify({ severity, service: "bigquery", message, ...details })}\n`);
}
