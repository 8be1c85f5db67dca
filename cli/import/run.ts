import { deliver } from "../delivery.ts";
import { nextSteps, reportText, section } from "../delivery/text.ts";
import { topicPrefixOf } from "../environment.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { importOptionsOf, type ImportFlags } from "./options.ts";
import { transcriptEntries } from "./source.ts";
import { Tally } from "./tally.ts";
import { tallyText } from "./text.ts";

export interface ImportCommandFlags extends ImportFlags {
  readonly data: string;
  readonly json?: true;
}

/** @returns the exit code: 0 when everything has arrived */
export async function runImport(files: readonly string[], flags: ImportCommandFlags): Promise<number> {
  const options = importOptionsOf(flags);
  const { project, local, datasets } = await openWarehouse(flags.data);
  process.stderr.write(`Logging to ${local ? "the services on this machine" : `project ${project} of Google Cloud`}\n`);
  const tally = new Tally();
  using interrupted = interruption();
  const report = await deliver(transcriptEntries(files, options, tally), {
    project,
    local,
    datasets,
    topicPrefix: topicPrefixOf(local),
    alone: false,
    signal: interrupted.signal,
  });
  process.stdout.write(
    flags.json === true
      ? jsonText({ ...report, import: tally }, 0)
      : `${section("What was imported", tallyText(tally))}\n${reportText(report, [])}\n${section("Try next", nextSteps)}`,
  );
  return report.complete ? 0 : 1;
}
