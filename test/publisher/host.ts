import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a host process is given; nothing of this process's own Google settings. */
export interface HostEnvironment {
  readonly PUBSUB_EMULATOR_HOST?: string;
  readonly GOOGLE_APPLICATION_CREDENTIALS?: string;
  /** For the script's own use: a directory. */
  readonly SPOOL?: string;
}

/**
 * Runs `body` in a process of its own, with `log`, a publisher, and `createPublisher` at hand. Resolves with what it
 * printed when it has ended by itself; rejects if it failed, an unhandled rejection or uncaught exception included,
 * or lasted 30 s.
 */
export async function runHost(
  body: string,
  environment: HostEnvironment,
  { project = "test", execArgv = [] }: { readonly project?: string; readonly execArgv?: readonly string[] } = {},
): Promise<string> {
  const source = `
    import { createPublisher } from "@indelible/publisher";
    const codes = new Set();
    const onError = (error) => codes.add(error.code);
    const options = { businessId: "acme", agentPosition: "CFO", projectId: "${project}", publishDeadlineMs: 200, onError };
    const log = createPublisher(options);
    ${body}`;
  return runScript(source, environment, execArgv);
}

/** The same with nothing at hand. */
export async function runScript(
  source: string,
  environment: HostEnvironment = {},
  execArgv: readonly string[] = [],
): Promise<string> {
  const { stdout } = await run(process.execPath, [...execArgv, "--input-type=module", "--eval", source], {
    cwd: root,
    env: { PATH: process.env["PATH"], HOME: root, METADATA_SERVER_DETECTION: "none", ...environment },
    timeout: 30_000,
  });
  return stdout.trim();
}
