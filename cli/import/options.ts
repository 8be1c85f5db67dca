import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { Command } from "commander";
import { checkedText } from "../option-text.ts";
import type { ImportOptions } from "./mapping.ts";

/** The import's options as they come from the command line. */
export interface ImportFlags {
  readonly businessId: string;
  readonly agentPosition: string;
  readonly serverName: string;
  readonly modelProvider?: string;
  readonly modelName?: string;
  readonly startedAt: string;
}

/**
 * Declares the options that say how transcripts are read; `indelible import` and `indelible dev --import` have the
 * same.
 */
export function declareImportOptions(command: Command): Command {
  return command
    .option("--business-id <id>", "business_id of the entries", named("--business-id"), "imported")
    .option("--agent-position <position>", "agent_position of the entries", named("--agent-position"), "agent")
    .option("--server-name <name>", "server_name of the tool calls", named("--server-name"), "tools")
    .option("--model-provider <provider>", "model_provider of the conversations", named("--model-provider"))
    .option("--model-name <model>", "model_name of runs that do not name their model", named("--model-name"))
    .option(
      "--started-at <timestamp>",
      "when runs without any time began; each message counts as a second",
      checkedText(startOf),
      "1970-01-01T00:00:00Z",
    );
}

/** @throws ERR_CONFIG */
export function importOptionsOf(flags: ImportFlags): ImportOptions {
  return {
    businessId: nonEmpty("--business-id", flags.businessId),
    agentPosition: nonEmpty("--agent-position", flags.agentPosition),
    serverName: nonEmpty("--server-name", flags.serverName),
    ...(flags.modelProvider !== undefined && { modelProvider: nonEmpty("--model-provider", flags.modelProvider) }),
    ...(flags.modelName !== undefined && { modelName: nonEmpty("--model-name", flags.modelName) }),
    startedAt: startOf(flags.startedAt),
  };
}

/** @throws ERR_CONFIG */
function startOf(text: string): number {
  const startedAt = parseTimestamp(text);
  if (startedAt !== undefined) return startedAt;
  throw new IndelibleError("ERR_CONFIG", `--started-at ${text} is not a timestamp`, {
    hint: "Give RFC 3339 with an offset, such as 2026-01-31T09:30:00Z.",
  });
}

function named(option: string): (text: string) => string {
  return checkedText((text) => nonEmpty(option, text));
}

const maxLength = 256;

function nonEmpty(option: string, value: string): string {
  if (value !== "" && value.length <= maxLength && value.isWellFormed()) return value;
  throw new IndelibleError("ERR_CONFIG", `${option} must have 1 to ${maxLength} characters`, {
    hint: `Give ${option} a shorter value.`,
  });
}
