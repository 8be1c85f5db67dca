/**
 * Writes what is published, into `dist/publisher/` or the folder that is named: the package `@indelible/publisher` as JavaScript with its types. Run from their sources, the same
 * files take four times as long to import.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, "dist", "publisher"));

interface Manifest {
  readonly version: string;
  readonly exports: { readonly [subpath: string]: string };
  readonly dependencies: { readonly [name: string]: string };
  readonly [field: string]: unknown;
}

const read = (path: string): Manifest => JSON.parse(readFileSync(join(root, path), "utf8")) as Manifest;
const manifest = read("publisher/package.json");
const schemas = read("schemas/package.json");
const subpaths = Object.entries(manifest.exports).filter(([subpath]) => !subpath.includes("*"));

rmSync(folder, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [
    // What has a subpath, and what is loaded by its name (modules.ts).
    ...subpaths.map(([, path]) => join(root, "publisher", path)),
    ...["background/worker", "background/tasks", "check-event", "check-redaction"].map((path) =>
      join(root, "publisher", `${path}.ts`),
    ),
  ],
  outdir: folder,
  entryNames: "[name]",
  // One file each, though they have parts in common: every file more takes a millisecond to import.
  bundle: true,
  platform: "node",
  target: "node22",
  format: "esm",
  // Names are kept, so that a stack trace says where.
  minifySyntax: true,
  minifyWhitespace: true,
  external: [...Object.keys(manifest.dependencies), ...Object.keys(schemas.dependencies), ...peersOf(manifest)].filter(
    (name) => !name.startsWith("@indelible/"),
  ),
  logLevel: "warning",
  metafile: true,
});
const imported = new Set(
  Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  ),
);
writeTypes();

const nameOf = (path: string): string => `./${path.split("/").at(-1)!.replace(/\.ts$/, "")}`;
const { devDependencies: _, ...published } = manifest;
writeFileSync(
  join(folder, "package.json"),
  `${JSON.stringify(
    {
      ...published,
      engines: { node: ">=22.18" },
      exports: Object.fromEntries(
        subpaths.map(([subpath, path]) => [
          subpath,
          {
            types: `./types/publisher/${path.replace(/^\.\//, "").replace(/\.ts$/, ".d.ts")}`,
            default: `${nameOf(path)}.js`,
          },
        ]),
      ),
      dependencies: Object.fromEntries(
        Object.entries({ ...schemas.dependencies, ...manifest.dependencies })
          .filter(([name]) => imported.has(name))
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
    undefined,
    2,
  )}\n`,
);

function peersOf({ peerDependencies }: Manifest): string[] {
  return Object.keys((peerDependencies ?? {}) as object);
}

/** Declarations of publisher and schemas, which refer to each other by relative paths. */
function writeTypes(): void {
  const types = join(folder, "types");
  mkdirSync(types, { recursive: true });
  const sources = [
    ...subpaths.map(([, path]) => join("publisher", path)),
    ...globSync("schemas/{,tables/}*.ts", { cwd: root }),
  ];
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const options = [
    "--ignoreConfig",
    "--declaration",
    "--emitDeclarationOnly",
    "--allowImportingTsExtensions",
    "--skipLibCheck",
  ];
  const language = ["--target", "es2024", "--module", "nodenext", "--strict", "--types", "node"];
  execFileSync(tsc, [...options, ...language, "--rootDir", root, "--outDir", types, ...sources], {
    cwd: root,
    stdio: "inherit",
  });
  for (const path of globSync("**/*.d.ts", { cwd: types })) {
    const file = join(types, path);
    const text = readFileSync(file, "utf8")
      .replaceAll(/(from |import\()"@indelible\/schemas\/([\w/-]+)\.ts"/g, (_match, how: string, module: string) => {
        const target = relative(dirname(path), join("schemas", module));
        return `${how}"${target.startsWith(".") ? target : `./${target}`}.js"`;
      })
      .replaceAll(/(from |import\()"(\.[\w./-]+)\.ts"/g, '$1"$2.js"');
    writeFileSync(file, text);
  }
}
