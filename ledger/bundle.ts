/** Writes what is deployed of the ledger, into `dist/` or the folder that is named: `sealer/`. */
import { join, resolve } from "node:path";
import { DEPLOYABLES, writeDeployable } from "@indelible/subscriber/deployable.ts";

await writeDeployable(join(resolve(process.argv[2] ?? DEPLOYABLES), "sealer"), {
  name: "sealer",
  program: "ledger/function.ts",
  installed: ["@google-cloud/functions-framework"],
  start: "functions-framework --target=seal",
});
