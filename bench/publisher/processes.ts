import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Every process and folder of the benchmark, to be ended and removed whatever happens. */
export class Workshop {
  readonly folder: string = mkdtempSync(join(tmpdir(), "indelible-bench-"));
  readonly #children = new Set<ChildProcess>();

  /** @param file in this folder; `argv` its arguments */
  start(file: string, argv: readonly string[], environment: { readonly [name: string]: string } = {}): Peer {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), argv, {
      cwd: this.folder,
      // Nothing of the shell's: keys and endpoints there are not meant here, and the network is not to be asked.
      env: {
        PATH: process.env["PATH"],
        HOME: this.folder,
        NODE_ENV: "production",
        METADATA_SERVER_DETECTION: "none",
        ...environment,
      },
      execArgv: ["--expose-gc"],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return new Peer(child, file);
  }

  /** An empty folder for one process. */
  newFolder(): string {
    return mkdtempSync(join(this.folder, "row-"));
  }

  /** At once: also from a signal's handler. */
  end(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** A process of ours, spoken to over IPC, one message at a time. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #received: unknown[] = [];
  #wake = (): void => {};

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.#name = name;
    child.on("message", (message) => {
      this.#received.push(message);
      this.#wake();
    });
    child.once("exit", () => this.#wake());
  }

  send(message: object | string): void {
    this.#child.send(message);
  }

  /** The next message. Rejects when the process has ended, or after `deadlineMs`. */
  async next<T>(deadlineMs: number): Promise<T> {
    const endMs = performance.now() + deadlineMs;
    while (this.#received.length === 0) {
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null) throw new Error(`${this.#name} ended (${exitCode ?? signalCode})`);
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw new Error(`${this.#name} said nothing for ${deadlineMs} ms`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      const timer = setTimeout(resolve, leftMs);
      await promise;
      clearTimeout(timer);
    }
    return this.#received.shift() as T;
  }

  async ask<T>(question: object | string): Promise<T> {
    this.send(question);
    return this.next<T>(30_000);
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
