/** `npm run build`: writes the reference of the commands into `docs/cli.md`. */
import { readFileSync, writeFileSync } from "node:fs";
import { withReference } from "./reference.ts";

const file = new URL("../docs/cli.md", import.meta.url);
writeFileSync(file, withReference(readFileSync(file, "utf8")));
process.stdout.write("docs/cli.md\n");
