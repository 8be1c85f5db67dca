/** `npm run build`: writes the files that are derived from the declarations. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { generatedFiles } from "./generated.ts";
import { generatedSections, withSection } from "./generated-sections.ts";

const root = new URL("../", import.meta.url);
for (const [path, text] of generatedFiles()) {
  const file = fileURLToPath(new URL(path, root));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stdout.write(`${path}\n`);
}
for (const section of generatedSections()) {
  const file = fileURLToPath(new URL(section.path, root));
  writeFileSync(file, withSection(readFileSync(file, "utf8"), section));
  process.stdout.write(`${section.path}: ${section.name}\n`);
}
