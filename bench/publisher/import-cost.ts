import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
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
export async function importCosts(workshop: Workshop, runs: number): Promise<ImportCost[]> {
  const forms = {
    "TypeScript, types stripped by Node": source,
    "JavaScript, one file by esbuild": await bundle(workshop.newFolder()),
  };
  const times = new Map<string, number[]>(Object.keys(forms).map((form) => [form, []]));
  for (let run = 0; run < runs; run += 1) {
    for (const [form, file] of Object.entries(forms)) times.get(form)!.push((await load(workshop, file, "time")).ms);
  }
  const costs: ImportCost[] = [];
  for (const [form, file] of Object.entries(forms)) {
    const { modules, builtins } = await load(workshop, file, "count");
    const sorted = times.get(form)!.toSorted((a, b) => a - b);
    costs.push({ form, medianMs: sorted[Math.floor(runs / 2)]!, minMs: sorted[0]!, modules, builtins });
  }
  return costs;
}

async function load(workshop: Workshop, file: string, what: "time" | "count"): Promise<Answer> {
  const peer = workshop.start("import-child.ts", [pathToFileURL(file).href, what]);
  try {
    return await peer.next<Answer>(10_000);
  } finally {
    await peer.end();
  }
}

/** Our own packages in one file, those of others beside it, as a published package would have them. */
async function bundle(folder: string): Promise<string> {
  const manifest = JSON.parse(readFileSync(join(root, "publisher/package.json"), "utf8")) as {
    readonly dependencies: { readonly [name: string]: string };
  };
  const outfile = join(folder, "publisher.mjs");
  const external = Object.keys(manifest.dependencies).filter((name) => !name.startsWith("@indelible/"));
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external,
    logLevel: "warning",
  });
  for (const name of external) {
    const nested = join(root, "publisher/node_modules", name);
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(existsSync(nested) ? nested : join(root, "node_modules", name), link);
  }
  return outfile;
}
