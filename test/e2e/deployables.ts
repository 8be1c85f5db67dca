import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The folders that `npm run build` makes, elsewhere: nothing of the checkout is above them. To be removed. */
export class Deployables implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * @param programs those that write them. Default: all
   * @param env what they are run with. Default: what this process is run with
   */
  static async build(
    programs: readonly string[] = ["subscriber/bundle.ts", "ledger/bundle.ts"],
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<Deployables> {
    const path = realpathSync(mkdtempSync(join(tmpdir(), "indelible-deployed-")));
    const run = promisify(execFile);
    await Promise.all(programs.map((program) => run(process.execPath, [join(root, program), path], { env })));
    return new Deployables(path);
  }

  folder(name: string): string {
    return join(this.path, name);
  }

  files(name: string): string[] {
    return readdirSync(this.folder(name)).toSorted();
  }

  read(name: string, file: string): string {
    return readFileSync(join(this.path, name, file), "utf8");
  }

  /** Packages of the lock file, by where they are installed. */
  locked(name: string): ReadonlyMap<string, LockedPackage> {
    const { packages } = JSON.parse(this.read(name, "package-lock.json")) as {
      packages: { [path: string]: LockedPackage };
    };
    return new Map(Object.entries(packages).filter(([path]) => path !== ""));
  }

  /** What `npm ci` would install for the function, from what is installed here: the sealer has the same. */
  install(): void {
    for (const path of this.locked("function").keys()) {
      cpSync(join(root, path), join(this.folder("function"), path), {
        recursive: true,
        filter: (source) => !source.slice(root.length + path.length).includes("/node_modules"),
      });
    }
    symlinkSync(join(this.folder("function"), "node_modules"), join(this.folder("sealer"), "node_modules"));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export interface LockedPackage {
  readonly version: string;
  readonly resolved?: string;
  readonly integrity: string;
}
