/**
 * Writes what is deployed of the subscriber, into `dist/` or the folder that is named: `function/`, for push, and `worker/`, for pull.
 * Loading one file is what makes a cold start short (bench/cold-start.bench.ts).
 */
import { writeDeployables } from "./deployable.ts";

await writeDeployables([
  {
    name: "function",
    program: "subscriber/function.ts",
    // The function registers itself with the copy that runs it, which is the one that package.json names.
    installed: ["@google-cloud/functions-framework"],
    start: "functions-framework --target=ingest",
  },
  {
    name: "worker",
    program: "subscriber/worker.ts",
    installed: [],
    start: "node --enable-source-maps index.js",
  },
]);
