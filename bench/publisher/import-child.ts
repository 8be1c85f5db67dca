/** What importing a module takes: `node import-child.ts SPECIFIER time|count`, in a process that has loaded nothing else. */
import { registerHooks } from "node:module";

const [specifier, what] = process.argv.slice(2);
if (specifier === undefined || (what !== "time" && what !== "count")) throw new Error("SPECIFIER time|count");

let modules = 0;
let builtins = 0;
if (what === "count") {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("node:")) builtins += 1;
      else modules += 1;
      return nextLoad(url, context);
    },
  });
}
const startMs = performance.now();
await import(specifier);
const ms = performance.now() - startMs;
process.send?.({ ms, modules, builtins }, undefined, undefined, () => process.disconnect());
