import type { Entry } from "../delivery/entries.ts";
import { entriesOf, type ImportOptions } from "./mapping.ts";
import type { Tally } from "./tally.ts";
import { readRuns } from "./transcript.ts";

/** The entries of all runs of `files`, read run by run. @throws ERR_TRANSCRIPT */
export async function* transcriptEntries(
  files: readonly string[],
  options: ImportOptions,
  tally: Tally,
): AsyncGenerator<Entry> {
  for (const file of files) {
    for await (const run of readRuns(file)) yield* entriesOf(run, options, tally);
  }
}
