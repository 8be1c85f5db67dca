export type Severity = "DEBUG" | "INFO" | "WARNING" | "ERROR";

/** Where the broker says what an operator may want to know. Never given payloads or attributes. */
export type Log = (severity: Severity, message: string, fields?: Record<string, unknown>) => void;

/** One JSON object a line on stderr: stdout is for the ready line. */
export const logToStderr: Log = (severity, message, fields) => {
  process.stderr.write(`${JSON.stringify({ severity, message, ...fields, time: new Date().toISOString() })}\n`);
};
