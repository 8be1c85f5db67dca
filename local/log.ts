export type Severity = "DEBUG" | "INFO" | "WARNING" | "ERROR";

/** Where a service says what an operator may want to know. Never given what messages or rows hold. */
export type Log = (severity: Severity, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** One JSON object a line on stderr: stdout is for the ready line. */
export const logToStderr: Log = (severity, message, fields) => {
  process.stderr.write(`${JSON.stringify({ severity, message, ...fields, time: new Date().toISOString() })}\n`);
};
