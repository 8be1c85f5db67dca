/**
 * Writes what is deployed: `dist/function/`, one file of JavaScript and a package.json that names the framework. Loading one file is what makes a cold
 * start short (bench/cold-start.bench.ts).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const framework = "@google-cloud/functions-framework";
const folder = fileURLToPath(new URL("../dist/function/", import.meta.url));
const manifest = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as {
  readonly version: string;
  readonly dependencies: { readonly [name: string]: string };
};

mkdirSync(folder, { recursive: true });
await build({
  entryPoints: [fileURLToPath(new URL("function.ts", import.meta.url))],
  outfile: `${folder}index.js`,
  bundle: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  // Names are kept, so that a stack trace says where.
  minifySyntax: true,
  minifyWhitespace: true,
  // The platform runs it, and the function registers itself with the copy that runs.
  external: [framework],
  logLevel: "warning",
});
const deployed = {
  name: "indelible-function",
  version: manifest.version,
  private: true,
  main: "index.js",
  engines: { node: ">=22.18" },
  dependencies: { [framework]: manifest.dependencies[framework] },
};
writeFileSync(`${folder}package.json`, `${JSON.stringify(deployed, undefined, 2)}\n`);
