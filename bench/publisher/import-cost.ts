import { execFileSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Workshop } from "./processes.ts";

export interface ImportCost {
  readonly form: string;
  readonly medianMs: number;
  readonly minMs: number;
  /** Files loaded by the import, and modules of Node that they ask for. */
  readonly modules: number;
  readonly builtins: number;
}

interface Answer {
  readonly ms: number;
  readonly modules: number;
  readonly builtins: number;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const source = join(root, "publisher/publisher.ts");

/** `import "@indelible/publisher"` in `runs` fresh processes for each form, in turn. */
export function importCosts(workshop: Workshop, runs: number): ImportCost[] {
  const forms = {
    "TypeScript, types stripped by Node": source,
    "JavaScript, as it is published (`npm run build`)": bundle(workshop.newFolder()),
  };
  const times = new Map<string, number[]>(Object.keys(forms).map((form) => [form, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const [form, file] of Object.entries(forms)) times.get(form)!.push(load(file, "time").ms);
  }
  const costs: ImportCost[] = [];
  for (const [form, file] of Object.entries(forms)) {
    const { modules, builtins } = load(file, "count");
    const sorted = times.get(form)!.toSorted((a, b) => a - b);
    costs.push({ form, medianMs: sorted[Math.floor(runs / 2)]!, minMs: sorted[0]!, modules, builtins });
  }
  return costs;
}

/** In a process that is plain JavaScript, as most hosts are: stripping types makes the import of a neighbour slower. */
function load(file: string, what: "time" | "count"): Answer {
  const script = `
    import { registerHooks } from "node:module";
    let modules = 0, builtins = 0;
    if (${what === "count"}) registerHooks({ load(url, context, next) {
      if (url.startsWith("node:")) builtins += 1; else modules += 1;
      return next(url, context);
    } });
    const startMs = performance.now();
    await import(${JSON.stringify(pathToFileURL(file).href)});
    console.log(JSON.stringify({ ms: performance.now() - startMs, modules, builtins }));`;
  const options = { cwd: root, encoding: "utf8", timeout: 10_000 } as const;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "--eval", script], options)) as Answer;
}

/** The package as it is published, with what it depends on beside it. */
function bundle(folder: string): string {
  execFileSync(process.execPath, [join(root, "publisher/bundle.ts"), join(folder, "publisher")], { cwd: root });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return join(folder, "publisher", "publisher.js");
}
