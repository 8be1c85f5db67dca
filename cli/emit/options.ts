import type { OnError, PublisherOptions } from "@indelible/publisher";
import { topicPrefixFromEnvironment } from "@indelible/schemas/names.ts";
import { InvalidArgumentError, type Command } from "commander";
import { loggedTables, type LoggedTable } from "../delivery/entries.ts";
import { DEFAULT_DATA_FOLDER } from "../environment.ts";

/** The options of `indelible emit` as they come from the command line. */
export interface EmitFlags {
  readonly table?: LoggedTable;
  readonly businessId?: string;
  readonly agentPosition?: string;
  readonly source?: string;
  readonly strict?: true;
  readonly ids?: true;
  readonly json?: true;
  /** Seconds. */
  readonly deadline: number;
  readonly project?: string;
  readonly topicPrefix?: string;
  readonly spool?: string;
  readonly spoolMaxBytes?: number;
  readonly data: string;
}

const defaultDeadlineSeconds = 30;

export function declareEmitOptions(command: Command): Command {
  return command
    .option("--table <name>", "the table of all lines (default: each line names its own)", tableOf)
    .option("--business-id <id>", "business_id of events that have none", nameOf)
    .option("--agent-position <position>", "agent_position or source_agent of events that have none", nameOf)
    .option("--source <name>", "a name for this input: emitting it again under that name adds nothing", nameOf)
    .option("--strict", "refuse events that do not fit their table, which otherwise become dead letters")
    .option("--ids", "print the log_id of each accepted line, in order")
    .option("--json", "print the report as one JSON object")
    .option("--deadline <seconds>", "how long to wait for Pub/Sub at the end", secondsOf, defaultDeadlineSeconds)
    .option("--project <id>", "Google Cloud project of the topics", nameOf)
    .option("--topic-prefix <prefix>", "what the topics begin with (default: INDELIBLE_TOPIC_PREFIX or agent-logs)")
    .option("--spool <folder>", "keep events there until Pub/Sub has them; the next run sends what was left")
    .option("--spool-max-bytes <bytes>", "the most bytes in that folder (default: 1073741824)", bytesOf)
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER);
}

/** The publisher never comes to use it: an event without business or agent is refused before. */
const nobody = "unknown";

export function publisherOptionsOf(flags: EmitFlags, project: string, onError: OnError): PublisherOptions {
  return {
    businessId: flags.businessId ?? nobody,
    agentPosition: flags.agentPosition ?? nobody,
    projectId: project,
    topicPrefix: flags.topicPrefix ?? topicPrefixFromEnvironment(process.env),
    onError,
    ...(flags.spool !== undefined && {
      spool: {
        directory: flags.spool,
        ...(flags.spoolMaxBytes !== undefined && { maxBytes: flags.spoolMaxBytes }),
      },
    }),
  };
}

function tableOf(name: string): LoggedTable {
  const table = loggedTables.find((one) => one === name);
  if (table === undefined) throw new InvalidArgumentError(`One of: ${loggedTables.join(", ")}.`);
  return table;
}

const maxNameLength = 256;

function nameOf(text: string): string {
  if (text !== "" && text.length <= maxNameLength && text.isWellFormed()) return text;
  throw new InvalidArgumentError(`1 to ${maxNameLength} characters.`);
}

function bytesOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("A whole number of bytes, from 1.");
  return Number(text);
}

function secondsOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("Whole seconds.");
  return Number(text);
}
