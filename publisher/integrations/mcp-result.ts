import type { Fields } from "../fields.ts";
import { clip, field, fieldAt, listOf, textOf } from "./reading.ts";

/** Characters of `result_summary` and `error_message`. */
const MAX_SUMMARY_LENGTH = 2_000;

/** Characters of `parameters` as JSON; more of them are logged as a text that is cut there. */
const MAX_PARAMETERS_LENGTH = 1_048_576;

/** How a tool call ended, in columns. */
export type Outcome = Pick<Fields<"mcp_usage_logs">, "success" | "error_message" | "result_summary">;

/**
 * The arguments as they go over the wire at this moment, so that neither a later change of the object nor a value that
 * JSON does not know matters; undefined where there are none, or where they cannot be sent anyway.
 */
export function argumentsOf(params: unknown): Fields<"mcp_usage_logs">["parameters"] {
  let text: string | undefined;
  try {
    text = JSON.stringify(field(params, "arguments"));
  } catch {
    return undefined;
  }
  if (text === undefined) return undefined;
  if (text.length > MAX_PARAMETERS_LENGTH) return clip(text, MAX_PARAMETERS_LENGTH);
  if (text.includes("\\ud")) {
    // JSON.stringify() writes no surrogate as an escape but one without its other half, which cannot be logged.
    text = text.replaceAll(/\\(u[\da-f]{4}|.)/g, (escape) => (escape.startsWith("\\ud") ? "\ufffd" : escape));
  }
  return JSON.parse(text) as Fields<"mcp_usage_logs">["parameters"];
}

/** What a result of `tools/call` says. A tool that says that it failed is a failure, though the protocol's call is not. */
export function outcomeOf(result: unknown): Outcome {
  const taskId = textOf(fieldAt(result, "task", "taskId"));
  if (taskId !== undefined && field(result, "content") === undefined) {
    return { result_summary: clip(`task ${taskId} ${String(fieldAt(result, "task", "status"))}`, MAX_SUMMARY_LENGTH) };
  }
  const summary = summaryOf(result);
  if (field(result, "isError") === true) {
    return { success: false, error_message: summary === "" ? "the tool says that it failed" : summary };
  }
  return { success: true, ...(summary !== "" && { result_summary: summary }) };
}

function summaryOf(result: unknown): string {
  let text = "";
  for (const part of listOf(field(result, "content"))) {
    if (text.length >= MAX_SUMMARY_LENGTH) break;
    text += `${text === "" ? "" : "\n"}${partOf(part).slice(0, MAX_SUMMARY_LENGTH)}`;
  }
  if (text === "") {
    const data = field(result, "structuredContent") ?? field(result, "toolResult");
    text = data === undefined ? "" : (JSON.stringify(data) ?? "");
  }
  return clip(text, MAX_SUMMARY_LENGTH);
}

/** Texts as they are; of everything else what it is. */
function partOf(part: unknown): string {
  const text = textOf(field(part, "text")) ?? textOf(fieldAt(part, "resource", "text"));
  if (text !== undefined) return text;
  const what =
    textOf(field(part, "mimeType")) ?? textOf(field(part, "uri")) ?? textOf(fieldAt(part, "resource", "uri"));
  return `[${[field(part, "type"), what].filter((word) => typeof word === "string").join(" ")}]`;
}
