import { startChild, type Child, type Launch, type Ports, type Program } from "./child.ts";

export interface ServiceOptions extends Program {
  /**
   * Tried first; when one of them is taken, all become any free port. A service that is started again keeps its ports.
   */
  readonly usualPorts: Ports;
  /** Waits before the n-th restart in a row; replaced in tests. Default: 100 ms, doubling to 5 s, jittered. */
  readonly restartDelayMs?: (attempt: number) => number;
}

const stopDeadlineMs = 5_000;
/** A service that ran this long before it died is started again without much ado. */
const steadyAfterMs = 10_000;
const maxKillsAtStart = 3;

function backoffMs(attempt: number): number {
  return Math.min(5000, 100 * 2 ** attempt) * (0.5 + Math.random() / 2);
}

/** A program that is started again, on the same ports, whenever it dies, until `stop` or `kill` is called. */
export class Service {
  readonly #options: ServiceOptions;
  #ports: Ports;
  /** The one that runs at the moment, if any. */
  #child: Child | undefined;
  #stopping = false;
  /** Deaths in a row. */
  #deaths = 0;
  #restartTimer: NodeJS.Timeout | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#ports = options.usualPorts;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The ports that the service listens on, once `start` has resolved. */
  get ports(): Ports {
    return this.#ports;
  }

  /** Of the process that runs at the moment, if any. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /**
   * Resolves when the service is ready for the first time. One that somebody kills meanwhile is started again.
   *
   * @throws ERR_SERVICE_DIED when it ends before, ERR_DEADLINE when it takes longer than 30 s
   */
  async start(): Promise<void> {
    let launch = await this.#launch(this.#ports);
    if (!launch.ready && launch.failure === "port taken") {
      const numbers = Object.values(this.#ports).join(" or ");
      this.#options.onLine(`${this.name}: port ${numbers} is taken, using a free one`);
      this.#ports = Object.fromEntries(Object.keys(this.#ports).map((name) => [name, 0]));
      launch = await this.#launch(this.#ports);
    }
    for (let kills = 0; !launch.ready; kills += 1) {
      if (launch.failure !== "killed" || this.#stopping || kills === maxKillsAtStart) throw launch.error;
      this.#options.onLine(`${launch.error.message}; starting it again`);
      launch = await this.#launch(this.#ports);
    }
  }

  /** Ends the process and waits for that: SIGTERM, then SIGKILL after 5 s. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    const child = this.#child;
    if (child === undefined) return;
    const timer = setTimeout(() => child.process.kill("SIGKILL"), stopDeadlineMs);
    child.process.kill("SIGTERM");
    await child.ended;
    clearTimeout(timer);
  }

  /** Ends the process at once, without waiting. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restartTimer);
    this.#child?.process.kill("SIGKILL");
  }

  async #launch(ports: Ports): Promise<Launch> {
    const child = startChild(this.#options, ports);
    const startedAt = performance.now();
    this.#child = child;
    const launch = await child.launch;
    if (launch.ready) this.#ports = launch.ports;
    void this.#outlive(child, launch.ready, startedAt);
    return launch;
  }

  async #outlive(child: Child, wasReady: boolean, startedAt: number): Promise<void> {
    const reason = await child.ended;
    if (this.#child === child) this.#child = undefined;
    // One that was never ready is the affair of whoever launched it.
    if (wasReady) this.#restart(startedAt, reason);
  }

  #restart(startedAt: number, reason: string): void {
    if (this.#stopping) return;
    if (performance.now() - startedAt > steadyAfterMs) this.#deaths = 0;
    const waitMs = (this.#options.restartDelayMs ?? backoffMs)(this.#deaths);
    this.#deaths += 1;
    this.#options.onLine(`${this.name}: died (${reason}); starting it again in ${Math.round(waitMs)} ms`);
    this.#restartTimer = setTimeout(() => void this.#relaunch(), waitMs);
  }

  async #relaunch(): Promise<void> {
    const startedAt = performance.now();
    const launch = await this.#launch(this.#ports);
    if (!launch.ready) return this.#restart(startedAt, launch.error.message);
    const tookMs = Math.round(performance.now() - startedAt);
    this.#options.onLine(`${this.name}: ready again on ${addresses(this.#ports)} after ${tookMs} ms`);
  }
}

/** `127.0.0.1:8085`, and so on for each further port. */
export function addresses(ports: Ports): string {
  return Object.values(ports)
    .map((port) => `127.0.0.1:${port}`)
    .join(" and ");
}
