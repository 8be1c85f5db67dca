import type { Writable } from "node:stream";

/** Where IDs and the report go. When nobody reads it any more, events are sent all the same. */
export class Output {
  readonly #stream: Writable;
  #isBroken = false;

  /** @param onBroken told once, when the reader has gone */
  constructor(stream: Writable, onBroken: () => void) {
    this.#stream = stream;
    // The program ends at once when nobody reads what it prints. Here that would lose events.
    stream.removeAllListeners("error");
    stream.on("error", () => {
      if (!this.#isBroken) onBroken();
      this.#isBroken = true;
    });
  }

  /** Resolves when the text has been handed over, or never can be. */
  async write(text: string): Promise<void> {
    if (this.#isBroken || text === "") return;
    await new Promise<void>((resolve) => this.#stream.write(text, () => resolve()));
  }
}
