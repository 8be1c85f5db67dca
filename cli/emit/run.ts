import { fstatSync } from "node:fs";
import { createPublisher, type Stats } from "@indelible/publisher";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { askNoMetadataServer, findEnvironment } from "../environment.ts";
import { printable } from "../terminal/cell.ts";
import { describeFailure } from "../terminal/failure.ts";
import { interruption } from "../terminal/interruption.ts";
import { jsonText } from "../terminal/json-text.ts";
import { createProgress, type Progress } from "../terminal/progress.ts";
import { Complaints } from "./complaints.ts";
import { emit } from "./emission.ts";
import { Input } from "./input.ts";
import { publisherOptionsOf, type EmitFlags } from "./options.ts";
import { Output } from "./output.ts";
import { PublisherReports } from "./publisher-reports.ts";
import { emitReportText, exitCodeOf, reportOf } from "./report.ts";
import { Tally } from "./tally.ts";

/** Reads events from stdin until it ends or a signal comes. @returns the exit code @throws ERR_CONFIG */
export async function runEmit(flags: EmitFlags): Promise<number> {
  // Whoever reads what we say may stop reading; the events are sent all the same.
  process.stderr.on("error", () => {});
  const output = new Output(process.stdout, () => say("Nobody reads stdout any more; events are still sent.\n"));
  const totalBytes = fileBytes();
  const project = await destination(flags);
  const tally = new Tally();
  const reports = new PublisherReports({ tally, write: say, now: () => performance.now() });
  const publisher = createPublisher(publisherOptionsOf(flags, project, (error, about) => reports.add(error, about)));
  using interrupted = interruption();
  const { signal } = interrupted;
  const input = new Input(process.stdin, signal);
  if (process.stdin.isTTY) say("Reading events from this terminal; Ctrl-D ends.\n");
  const complaints = new Complaints(say);
  const progress = progressOver(totalBytes);
  let failure: unknown;
  try {
    await emit(input.chunks(), publisher, {
      ...flags,
      strict: flags.strict === true,
      isFull: fullness(flags),
      signal,
      tally,
      onRefused: (number, error) => complaints.add(number, error),
      onAccepted: async (logIds) => {
        if (flags.ids === true) await output.write(`${logIds.join("\n")}\n`);
      },
      onProgress: (bytes) => progress?.update(bytes, totalBytes),
    });
  } catch (error) {
    // What was accepted until then is sent and told all the same.
    failure = error;
  } finally {
    progress?.stop();
  }
  reports.close();
  const { acknowledged, spooled, outstanding } = await publisher.close({ deadlineMs: flags.deadline * 1000 });
  const report = reportOf(tally, { acknowledged, outstanding, spooled }, signal.aborted && !input.hasEnded);
  if (flags.json === true) await output.write(jsonText(report, 0));
  else say(emitReportText(report));
  if (failure === undefined) return exitCodeOf(report);
  say(describeFailure(failure));
  return 1;
}

/** Far enough below the publisher's own bounds, at which it would refuse events. */
const marginBytes = 16 * 1024 * 1024;
const defaultSpoolBytes = 1024 ** 3;

/** With a spool, what Pub/Sub does not take waits on disk, and reading goes on until there is no room for more. */
function fullness({ spool, spoolMaxBytes = defaultSpoolBytes }: EmitFlags): (stats: Stats) => boolean {
  if (spool === undefined) return ({ queuedBytes }) => queuedBytes > marginBytes;
  const most = Math.max(spoolMaxBytes - marginBytes, spoolMaxBytes / 2);
  return ({ spooledBytes }) => spooledBytes > most;
}

/** Finds out where the events are to go, and says so. @returns the project @throws ERR_CONFIG when there is nothing */
async function destination(flags: EmitFlags): Promise<string> {
  const found = findEnvironment(flags.data);
  const emulator = process.env["PUBSUB_EMULATOR_HOST"];
  const named = flags.project ?? found.project;
  if (emulator === undefined) {
    const project = named ?? (await credentialsProject());
    say(`Logging to project ${printable(project)} of Google Cloud\n`);
    return project;
  }
  if (named === undefined) {
    throw new IndelibleError("ERR_CONFIG", "PUBSUB_EMULATOR_HOST is set, and nothing names the project", {
      hint: "Give --project, or set GOOGLE_CLOUD_PROJECT as `indelible dev` prints it.",
    });
  }
  askNoMetadataServer();
  say(`Logging to the broker at ${printable(emulator)}\n`);
  return named;
}

/** Google's clients take long to load; whoever names the project need not wait for them. */
async function credentialsProject(): Promise<string> {
  const { bigQueryClient, projectOf } = await import("../clients.ts");
  return projectOf(bigQueryClient(undefined, false), undefined, false);
}

/** Undefined unless there is somebody to look and an end to see. */
function progressOver(totalBytes: number | undefined): Progress | undefined {
  return process.stderr.isTTY && totalBytes !== undefined ? createProgress("bytes") : undefined;
}

/** Bytes of the file that stdin is; undefined when it is none. @throws ERR_CONFIG when it is a folder, which Node takes for an empty file */
function fileBytes(): number | undefined {
  const status = fstatSync(process.stdin.fd);
  if (status.isDirectory()) {
    throw new IndelibleError("ERR_CONFIG", "stdin is a folder", {
      hint: "Give a file: indelible emit < events.ndjson",
    });
  }
  return status.isFile() ? status.size : undefined;
}

function say(text: string): void {
  process.stderr.write(text);
}
