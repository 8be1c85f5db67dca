/** Makes folders that are deployed as they are. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { IndelibleError } from "@indelible/schemas/errors.ts";
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

/** What `npm run build` runs: makes the folders in `dist/`, or in what the command line names. What fails is said in words, and the exit code is 1. */
export async function writeDeployables(deployables: readonly Deployable[]): Promise<void> {
  const folder = resolve(process.argv[2] ?? join(root, "dist"));
  const written = await Promise.allSettled(deployables.map((one) => writeDeployable(join(folder, one.name), one)));
  for (const result of written) {
    if (result.status === "fulfilled") continue;
    const error: unknown = result.reason;
    if (!IndelibleError.is(error)) throw error;
    process.stderr.write(`${error.message}\n${error.hint}\n`);
    process.exitCode = 1;
  }
}

/**
 * Makes `folder` anew: `index.js` with everything that the program imports, `index.js.map`, `package.json`, `package-lock.json` and
 * `THIRD-PARTY-LICENSES.txt`. The same sources and the same npm give the same bytes, wherever the folder is, whatever day it is, and whatever npm is
 * configured to do. It appears when it is complete; until then, and when it fails, the one before stays.
 *
 * @throws ERR_CONFIG
 */
export async function writeDeployable(folder: string, deployable: Deployable): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  const beside = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const made = join(beside, basename(folder));
    await mkdir(made);
    await writeProgram(made, deployable);
    await writePackage(made, deployable);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
  } finally {
    await rm(beside, { recursive: true });
  }
}

async function writeProgram(folder: string, { program, installed }: Deployable): Promise<void> {
  const bundled = await build({
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
  }).catch((cause: unknown) => {
    const hint = "Mend what esbuild says above. What was built before is as it was.";
    throw new IndelibleError("ERR_CONFIG", `${program} cannot be bundled`, { cause, hint });
  });
  const { outputFiles, metafile } = bundled;
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
  await runNpm(folder);
  const lock = JSON.parse(await readFile(join(folder, "package-lock.json"), "utf8")) as Lock;
  if (lock.name !== manifest.name || lock.lockfileVersion !== LOCKFILE_VERSION)
    throw noLockFile(`${manifest.name}: what it left is of ${lock.name}, version ${lock.lockfileVersion}`);
}

interface Lock {
  readonly name?: unknown;
  readonly lockfileVersion?: unknown;
}

const LOCKFILE_VERSION = 3;

/** Without the configuration of whoever builds, of which much changes the lock file, or keeps npm from writing one. */
async function runNpm(folder: string): Promise<void> {
  const options = ["--offline", "--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved"];
  // Neither of them is there. npm refuses one file for both.
  const configs = ["user", "global"].map((which) => `--${which}config=${join(folder, `../no-${which}-config`)}`);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_config_/i.test(name)));
  const run = promisify(execFile);
  try {
    await run("npm", ["install", "--package-lock-only", ...options, ...configs], { cwd: folder, env });
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code !== "ENOENT") throw noLockFile(`indelible-${basename(folder)}:\n${stderr?.trim()}`, cause);
    const hint = "It comes with Node.js: put it on the PATH.";
    throw new IndelibleError("ERR_CONFIG", "npm cannot be run, because there is none", { cause, hint });
  }
}

function noLockFile(what: string, cause?: unknown): IndelibleError {
  const hint = "Run npm ci, and build again. What was built before is as it was.";
  return new IndelibleError("ERR_CONFIG", `npm made no lock file of ${what}`, { cause, hint });
}
