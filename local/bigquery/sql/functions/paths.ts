import { StatementFault } from "../errors.ts";

/** One step of a JSONPath: a member's name or an element's index. */
type Step = string | number;

const bareStep = /\.([A-Za-z_][A-Za-z0-9_-]*|[0-9]+)/y;
const quotedStep = /\."((?:[^"\\])*)"/y;
const bracketStep = /\[(?:'([^'\\]*)'|"([^"\\]*)"|([0-9]{1,9}))\]/y;

/**
 * Turns a JSONPath of BigQuery's kind (`$`, `.name`, `."any name"`, `['any name']`, `[0]`) into DuckDB's.
 *
 * @param offset where the path stands in the statement, for error messages
 */
export function duckdbPath(path: string, offset: number): string {
  if (!path.startsWith("$")) throw new StatementFault(`JSONPath must start with '$': ${path}`, offset);
  const steps: Step[] = [];
  for (let position = 1; position < path.length;) {
    const read = readStep(path, position);
    if (!read) throw new StatementFault(`Unsupported operator in JSONPath: ${path}`, offset);
    steps.push(read.step);
    position = read.end;
  }
  return writePath(steps, offset);
}

/** The DuckDB path of one member, or of one element. */
export function stepPath(step: Step, offset: number): string {
  return writePath([step], offset);
}

function readStep(path: string, start: number): { step: Step; end: number } | undefined {
  for (const pattern of [bareStep, quotedStep, bracketStep]) {
    pattern.lastIndex = start;
    const match = pattern.exec(path);
    if (!match) continue;
    const index = match[3];
    return { step: index === undefined ? (match[1] ?? match[2] ?? "") : Number(index), end: pattern.lastIndex };
  }
  return undefined;
}

function writePath(steps: readonly Step[], offset: number): string {
  const written = steps.map((step) => {
    if (typeof step === "number") return `[${step}]`;
    // DuckDB's paths have no escape for the quotation mark, and take a quoted * for all members.
    if (/["*]/.test(step) || step === "") {
      throw new StatementFault(
        `JSON member names such as ${JSON.stringify(step)} are not supported by this warehouse`,
        offset,
      );
    }
    return `."${step}"`;
  });
  return `$${written.join("")}`;
}
