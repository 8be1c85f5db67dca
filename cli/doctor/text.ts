import { styleText } from "node:util";
import { printable } from "../terminal/cell.ts";
import { counted } from "../terminal/table.ts";
import { areas, type Area, type Check, type Status } from "./check.ts";

const marks: { readonly [S in Status]: string } = { ok: "✓", warning: "!", problem: "✗", unknown: "?", skipped: "–" };
const colours = { ok: "green", warning: "yellow", problem: "red", unknown: "magenta", skipped: "dim" } as const;

const titles: { readonly [A in Area]: string } = {
  machine: "This machine",
  stack: "Services",
  pubsub: "Pub/Sub",
  function: "Function",
  warehouse: "Warehouse",
  seals: "Seals",
  "dead letters": "Dead letters",
};

const indent = "    ";

/** What was found, for people, by area, each fix under its finding; sentences are wrapped, commands are not, so that they can be pasted. */
export function checksText(checks: readonly Check[], width: number = 80): string {
  const sections = areas.flatMap((area) => {
    const some = checks.filter((check) => check.area === area);
    return some.length === 0
      ? []
      : [`${styled("bold", titles[area])}\n${some.map((check) => checkText(check, width)).join("")}\n`];
  });
  return `${sections.join("")}${verdict(checks)}\n`;
}

function checkText({ status, finding, fix }: Check, width: number): string {
  const mark = styled(colours[status], marks[status]);
  const [first = "", ...further] = wrap(printable(finding), width - indent.length);
  const lines = [`  ${mark} ${first}`, ...further.map((line) => indent + line)];
  if (fix !== undefined) {
    const [head = "", ...rest] = fix.split("\n").map(printable);
    lines.push(`${indent}${styled("bold", "fix")}: ${head}`, ...rest.map((line) => `${indent}     ${line}`));
  }
  return `${lines.join("\n")}\n`;
}

function verdict(checks: readonly Check[]): string {
  const count = (status: Status): number => checks.filter((check) => check.status === status).length;
  const [problems, warnings, unknown] = [count("problem"), count("warning"), count("unknown")];
  if (problems + warnings + unknown === 0) return "All is well.";
  const parts = [
    ...(problems > 0 ? [counted(problems, "problem")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
    ...(unknown > 0 ? [`${unknown} could not be found out`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

function styled(format: Parameters<typeof styleText>[0], text: string): string {
  return styleText(format, text, { stream: process.stdout });
}
