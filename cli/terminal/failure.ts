import { styleText } from "node:util";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { printable } from "./cell.ts";

/** What is printed of an error: its code, message and fix when it is one of ours, and in any case what caused it. */
export function describeFailure(error: unknown): string {
  const lines: string[] = [];
  if (IndelibleError.is(error)) {
    lines.push(`${emphasis("error")} ${error.code}: ${oneLine(error.message)}`, `${emphasis("fix")}: ${error.hint}`);
  } else {
    lines.push(`${emphasis("error")}: ${oneLine(messageOf(error))}`);
  }
  // A chain can be circular; nobody reads further than this.
  for (let cause = causeOf(error), depth = 0; cause !== undefined && depth < 8; cause = causeOf(cause), depth += 1) {
    // An error of ours that passes on what another service said has its message already.
    if (!IndelibleError.is(error) || messageOf(cause) !== error.message)
      lines.push(`because: ${oneLine(messageOf(cause))}`);
  }
  return `${lines.join("\n")}\n`;
}

function oneLine(text: string): string {
  return printable(text.replaceAll(/\s*\n\s*/g, " "));
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function emphasis(word: string): string {
  return styleText("bold", word, { stream: process.stderr });
}
