import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { Command } from "commander";
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
    .option("--business-id <id>", "business_id of the entries", "imported")
    .option("--agent-position <position>", "agent_position of the entries", "agent")
    .option("--server-name <name>", "server_name of the tool calls", "tools")
    .option("--model-provider <provider>", "model_provider of the conversations")
    .option("--model-name <model>", "model_name of runs that do not name their model")
    .option(
      "--started-at <timestamp>",
      "when runs without any time began; each message counts as a second",
      "1970-01-01T00:00:00Z",
    );
}

/** @throws ERR_CONFIG */
export function importOptionsOf(flags: ImportFlags): ImportOptions {
  const startedAt = parseTimestamp(flags.startedAt);
  if (startedAt === undefined) {
    throw new IndelibleError("ERR_CONFIG", `--started-at ${flags.startedAt} is not a timestamp`, {
      hint: "Give RFC 3339 with an offset, such as 2026-01-31T09:30:00Z.",
    });
  }
  return {
    businessId: nonEmpty("--business-id", flags.businessId),
    agentPosition: nonEmpty("--agent-position", flags.agentPosition),
    serverName: nonEmpty("--server-name", flags.serverName),
    ...(flags.modelProvider !== undefined && { modelProvider: nonEmpty("--model-provider", flags.modelProvider) }),
    ...(flags.modelName !== undefined && { modelName: nonEmpty("--model-name", flags.modelName) }),
    startedAt,
  };
}

const maxLength = 256;

function nonEmpty(option: string, value: string): string {
  if (value !== "" && value.length <= maxLength && value.isWellFormed()) return value;
  throw new IndelibleError("ERR_CONFIG", `${option} must have 1 to ${maxLength} characters`, {
    hint: `Give ${option} a shorter value.`,
  });
}
