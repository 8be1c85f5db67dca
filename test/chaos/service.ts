import { startChild, type Child, type Ports, type Program } from "../../cli/dev/child.ts";

export interface ServiceOptions extends Omit<Program, "arguments" | "environment"> {
  /** Of the n-th launch, from 0. */
  readonly launchOf: (launch: number) => Pick<Program, "arguments" | "environment">;
  /** The names of its ports. Each is a free one at first, and the same at every further launch. */
  readonly portNames: readonly string[];
  /** Told of a death that nobody asked for; it is started again. */
  readonly onDeath: (reason: string) => void;
}

const MAX_LAUNCHES = 5;

/** A process that can be killed and started again on the same ports. */
export class Service {
  readonly #options: ServiceOptions;
  #child: Child | undefined;
  #launches = 0;
  #ports: Ports;
  /** A start after a death that nobody asked for. */
  #revival: Promise<void> = Promise.resolve();

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#ports = Object.fromEntries(options.portNames.map((name) => [name, 0]));
  }

  get name(): string {
    return this.#options.name;
  }

  port(name = "port"): number {
    return this.#ports[name] ?? 0;
  }

  /** Resolves when it is ready. @throws IndelibleError when it does not get so far */
  async start(): Promise<void> {
    const { launchOf } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const child = startChild({ ...this.#options, ...launchOf(this.#launches++) }, this.#ports);
      const launch = await child.launch;
      if (launch.ready) {
        this.#ports = launch.ports;
        this.#child = child;
        void child.ended.then((reason) => this.#outlive(child, reason));
        return;
      }
      if (tries === MAX_LAUNCHES) throw launch.error;
    }
  }

  /** Ends it and waits for the end; nothing happens when it is not running. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.#revival.catch(() => undefined);
    const child = this.#child;
    this.#child = undefined;
    child?.process.kill(signal);
    await child?.ended;
  }

  #outlive(child: Child, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#options.onDeath(`${this.name} died by itself (${reason})`);
    this.#revival = this.start();
    this.#revival.catch((error: unknown) => this.#options.onDeath(`${this.name}: ${String(error)}`));
  }
}
