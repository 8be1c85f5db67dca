import type { Random } from "../../local/random.ts";

/** Something bad to do, and the share of the run at which to do it. */
interface Deed {
  readonly at: number;
  readonly run: () => Promise<void> | void;
}

/** Does bad things as the run goes on, one after the other. */
export class Monkey {
  readonly #deeds: Deed[];
  readonly #onFailure: (error: unknown) => void;
  #last: Promise<void> = Promise.resolve();

  /** Spreads the deeds over the run, in the order in which they are given. `onFailure` is told of one that failed. */
  constructor(deeds: readonly Deed["run"][], random: Random, onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
    const times = deeds.map(() => 0.02 + 0.93 * random()).toSorted((a, b) => a - b);
    this.#deeds = deeds.map((run, index) => ({ at: times[index] as number, run }));
  }

  /** Begins what is due when this share of the run, 0 to 1, is done. */
  reached(share: number): void {
    while ((this.#deeds[0]?.at ?? Infinity) <= share) {
      const { run } = this.#deeds.shift() as Deed;
      this.#last = this.#last.then(run).catch(this.#onFailure);
    }
  }

  /** Does what is left, and waits until all is done. */
  async finish(): Promise<void> {
    this.reached(1);
    await this.#last;
  }

  /** Forgets what is left, and waits until what has begun is done. */
  async stop(): Promise<void> {
    this.#deeds.length = 0;
    await this.#last;
  }
}

/** `list` in an order that the seed has. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((value) => ({ value, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
