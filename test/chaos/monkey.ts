import type { Random } from "../../local/random.ts";

/** Something bad to do, and the share of the run at which to do it. */
interface Deed {
  readonly at: number;
  readonly run: () => Promise<void> | void;
}

/** Does bad things as the run goes on, one after the other. */
export class Monkey {
  readonly #deeds: Deed[];
  #last: Promise<void> = Promise.resolve();
  #failure: unknown;

  /** Spreads the deeds over the run, in the order in which they are given. */
  constructor(deeds: readonly Deed["run"][], random: Random) {
    const times = deeds.map(() => 0.02 + 0.93 * random()).toSorted((a, b) => a - b);
    this.#deeds = deeds.map((run, index) => ({ at: times[index] as number, run }));
  }

  /** Begins what is due when this share of the run, 0 to 1, is done. */
  reached(share: number): void {
    while ((this.#deeds[0]?.at ?? Infinity) <= share) {
      const { run } = this.#deeds.shift() as Deed;
      this.#last = this.#last.then(run).catch((error: unknown) => {
        this.#failure ??= error;
      });
    }
  }

  /** Does what is left, and waits until all is done. @throws what the first of them threw that failed */
  async finish(): Promise<void> {
    this.reached(1);
    await this.#last;
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** `list` in an order that the seed has. */
export function shuffled<T>(list: readonly T[], random: Random): T[] {
  return list
    .map((value) => ({ value, key: random() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ value }) => value);
}
