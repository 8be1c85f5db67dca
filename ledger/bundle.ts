/** Writes what is deployed of the ledger, into `dist/` or the folder that is named: `sealer/`. */
import { writeDeployables } from "@indelible/subscriber/deployable.ts";

await writeDeployables([
  {
    name: "sealer",
    program: "ledger/function.ts",
    installed: ["@google-cloud/functions-framework"],
    start: "functions-framework --target=seal",
  },
]);
