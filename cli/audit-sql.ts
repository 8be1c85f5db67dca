import { auditQueriesOf, PROJECT_PLACEHOLDER } from "@indelible/schemas/audit-queries.ts";
import { InvalidArgumentError, type Command } from "commander";
import { datasetsOf, DEFAULT_DATA_FOLDER, findEnvironment } from "./environment.ts";
import { jsonText } from "./terminal/json-text.ts";
import { renderTable } from "./terminal/table.ts";

interface AuditSqlFlags {
  readonly project?: string;
  readonly list?: true;
  readonly json?: true;
  readonly data: string;
}

/** `indelible audit-sql [NAME]` */
export function declareAuditSql(program: Command): void {
  const command = program
    .command("audit-sql")
    .summary("print a query that checks the log, to be pasted into BigQuery")
    .description(
      "Prints a GoogleSQL query with which an auditor checks the raw tables without any tool of ours. Its rows are what is wrong. " +
        "Without a name, lists them. docs/audit-queries.md says what each proves.",
    )
    .argument("[name]", "one of those that --list names")
    .option("--project <id>", "the project of the dataset (default: that of the environment)", projectIdOf)
    .option("--list", "list the queries")
    .option("--json", "print name, description and query as JSON; of all queries when none is named")
    .option("--data <folder>", "data folder of the running `indelible dev`", DEFAULT_DATA_FOLDER)
    .addHelpText(
      "after",
      `
Exit codes: 0 printed, 2 wrong usage.

Examples:
  $ indelible audit-sql --list
  $ indelible audit-sql conversations_projection --project acme-logs
  $ indelible audit-sql sequence_gaps | bq query --use_legacy_sql=false`,
    )
    .action((name: string | undefined, flags: AuditSqlFlags) => {
      // A project that is named is one of Google Cloud's, whatever is running here.
      const found =
        flags.project === undefined ? findEnvironment(flags.data) : { project: flags.project, local: false };
      const { project = PROJECT_PLACEHOLDER, local } = found;
      const queries = auditQueriesOf(project, datasetsOf(local));
      if (name === undefined || flags.list === true) {
        if (flags.json === true) {
          process.stdout.write(jsonText(queries));
          return;
        }
        const rows = queries.map((query) => [query.name, query.description]);
        const width = process.stdout.isTTY ? process.stdout.columns : undefined;
        process.stdout.write(renderTable([{ title: "name" }, { title: "what its rows are" }], rows, width));
        return;
      }
      const query = queries.find((one) => one.name === name);
      if (query === undefined) {
        return command.error(`error: there is no query ${name}; \`indelible audit-sql --list\` names them all`, {
          exitCode: 2,
        });
      }
      if (project === PROJECT_PLACEHOLDER) {
        process.stderr.write(`note: no project is known here: replace ${PROJECT_PLACEHOLDER}, or give --project\n`);
      }
      process.stdout.write(flags.json === true ? jsonText(query) : `${query.query}\n`);
    });
}

/** IDs of projects, those of a domain included. What is printed is to be pasted, so nothing else may get into it. */
function projectIdOf(text: string): string {
  if (!/^(?:[a-z0-9.-]{1,63}:)?[a-z][a-z0-9-]{1,62}$/.test(text))
    throw new InvalidArgumentError("Not the ID of a project.");
  return text;
}
