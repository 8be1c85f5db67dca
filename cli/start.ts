import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { describeFailure } from "./terminal/failure.ts";

const usageErrorExitCode = 2;
const interruptedExitCode = 130;
/** For what is still to be printed. */
const lastWordsMs = 2000;

// Whoever reads our output may stop reading, as `head` does; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : usageErrorExitCode;
  } else if (error instanceof Error && error.name === "AbortError") {
    process.exitCode = interruptedExitCode;
  } else {
    process.stderr.write(describeFailure(error));
    process.exitCode = 1;
  }
}
// What was asked and not answered may hold the process for as long as the other side likes.
if (process.exitCode !== undefined && process.exitCode !== 0) setTimeout(() => process.exit(), lastWordsMs).unref();
