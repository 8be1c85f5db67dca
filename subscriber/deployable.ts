/** Makes folders that are deployed as they are. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { licensesOf } from "./licenses.ts";

/** A program and how it is run. */
export interface Deployable {
  /** The package is called `indelible-<name>`. */
  readonly name: string;
  /** Path from the root of the repository, of which the first part is the workspace. */
  readonly program: string;
  /** Packages that are installed beside the program instead of being bundled, in the version that the workspace names. */
  readonly installed: readonly string[];
  /** What `npm start` runs. */
  readonly start: string;
}

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly dependencies: { readonly [name: string]: string };
}

const root = fileURLToPath(new URL("../", import.meta.url));

/** Where the folders are made unless another place is named. */
export const DEPLOYABLES: string = join(root, "dist");

/**
 * Makes `folder` anew: `index.js` with everything that the program imports, `index.js.map`, `package.json`, `package-lock.json` and
 * `THIRD-PARTY-LICENSES.txt`. The same sources and the same npm give the same bytes, wherever the folder is and whatever day it is.
 */
export async function writeDeployable(folder: string, deployable: Deployable): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await Promise.all([writeProgram(folder, deployable), writePackage(folder, deployable)]);
}

async function writeProgram(folder: string, { program, installed }: Deployable): Promise<void> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [program],
    // Not written there: from there, the map names the sources by their paths in the repository.
    outfile: "index.js",
    write: false,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    // Names are kept, so that a stack trace says where also without the map.
    minifySyntax: true,
    minifyWhitespace: true,
    // Node shows the line of an error that nobody catches.
    lineLimit: 200,
    sourcemap: "linked",
    // They are in the repository, and larger than the program.
    sourcesContent: false,
    legalComments: "none",
    external: [...installed],
    metafile: true,
    logLevel: "warning",
  });
  await Promise.all([
    ...outputFiles.map(({ path, contents }) => writeFile(join(folder, basename(path)), contents)),
    writeFile(join(folder, "THIRD-PARTY-LICENSES.txt"), await licensesOf(Object.keys(metafile.inputs), root)),
  ]);
}

/** The lock file is npm's own work: given that of the repository, it leaves out what is not needed and asks no registry. */
async function writePackage(folder: string, { name, program, installed, start }: Deployable): Promise<void> {
  const [workspace = ""] = program.split("/");
  const { version, license, dependencies } = JSON.parse(
    await readFile(join(root, workspace, "package.json"), "utf8"),
  ) as Manifest;
  const manifest = {
    name: `indelible-${name}`,
    version,
    private: true,
    license,
    main: "index.js",
    scripts: { start },
    engines: { node: "24.x" },
    dependencies: Object.fromEntries(installed.map((one) => [one, dependencies[one]])),
  };
  await writeFile(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await copyFile(join(root, "package-lock.json"), join(folder, "package-lock.json"));
  const options = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"];
  await promisify(execFile)("npm", ["install", "--package-lock-only", ...options], { cwd: folder });
}
