import type { Random } from "../../local/random.ts";
import type { Services } from "./services.ts";

/** The longest that the broker is down, in kills. */
const MAX_KILLS = 3;

/** Takes the broker down and up again as kills go on, so that an outage lasts as long as what happens meanwhile. */
export class Outages {
  readonly #services: Services;
  readonly #onFailure: (error: unknown) => void;
  readonly #deeds = new Map<number, () => Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  /** Spreads `count` outages over so many kills. `onFailure` is told when the broker does not come up. */
  constructor(
    services: Services,
    { count, kills }: { readonly count: number; readonly kills: number },
    random: Random,
    onFailure: (error: unknown) => void,
  ) {
    this.#services = services;
    this.#onFailure = onFailure;
    for (let outage = 0; outage < count; outage += 1) {
      const from = 1 + Math.floor(((outage + random()) / count) * kills);
      this.#deeds.set(from + 1 + Math.floor(random() * MAX_KILLS), () => services.brokerUp());
      this.#deeds.set(from, () => services.brokerDown());
    }
  }

  /** So many processes were killed so far. */
  reached(kills: number): void {
    const deed = this.#deeds.get(kills);
    if (deed !== undefined) this.#last = this.#last.then(deed).catch(this.#onFailure);
  }

  /** Ends the outage that there may be; there are no more. */
  async end(): Promise<void> {
    await this.stop();
    await this.#services.brokerUp();
  }

  /** Forgets what is left, and waits until what has begun is done. */
  async stop(): Promise<void> {
    this.#deeds.clear();
    await this.#last;
  }
}
