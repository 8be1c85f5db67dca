/** `npm run schemas:check`: what has changed since the last release, and whether tables can take it. */
import { check } from "./evolution-check.ts";

const { exitCode, stdout, stderr } = check(process.argv.slice(2));
// Whoever reads it may have seen enough.
process.stdout.on("error", () => process.exit(exitCode));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
