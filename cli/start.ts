import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { describeFailure } from "./terminal/failure.ts";

const usageErrorExitCode = 2;
const interruptedExitCode = 130;

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
