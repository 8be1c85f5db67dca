/**
 * Writes what is deployed of the subscriber, into `dist/` or the folder that is named: `function/`, for push, and `worker/`, for pull.
 * Loading one file is what makes a cold start short (bench/cold-start.bench.ts).
 */
import { join, resolve } from "node:path";
import { DEPLOYABLES, writeDeployable } from "./deployable.ts";

const folder = resolve(process.argv[2] ?? DEPLOYABLES);

await Promise.all([
  writeDeployable(join(folder, "function"), {
    name: "function",
    program: "subscriber/function.ts",
    // The function registers itself with the copy that runs it, which is the one that package.json names.
    installed: ["@google-cloud/functions-framework"],
    start: "functions-framework --target=ingest",
  }),
  writeDeployable(join(folder, "worker"), {
    name: "worker",
    program: "subscriber/worker.ts",
    installed: [],
    start: "node --enable-source-maps index.js",
  }),
]);
