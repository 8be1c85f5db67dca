import type { IndelibleError } from "@indelible/schemas/errors.ts";
import { printable, truncate } from "../terminal/cell.ts";
import { counted } from "../terminal/table.ts";

/** Each of the first so many is told; then the hundredth, the thousandth and so on, so that a run of months is neither flooded nor silent. */
const toldOneByOne = 10;
const maxWidth = 300;

/** Tells which lines were refused and why. What it prints is bounded, whatever the number of lines. */
export class Complaints {
  readonly #write: (text: string) => void;
  /** Fixes that were told. Bounded by the texts that this program has. */
  readonly #hints = new Set<string>();
  #count = 0;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** @param number of the line, from 1 */
  add(number: number, error: IndelibleError): void {
    this.#count += 1;
    if (this.#count > toldOneByOne && !/^10*$/.test(String(this.#count))) return;
    this.#write(
      `${truncate(printable(`line ${number}: ${error.code}: ${error.message.slice(0, maxWidth)}`), maxWidth)}\n`,
    );
    if (!this.#hints.has(error.hint)) this.#write(`fix: ${error.hint}\n`);
    this.#hints.add(error.hint);
    if (this.#count === toldOneByOne) this.#write("Further lines that are refused are counted.\n");
    if (this.#count > toldOneByOne) this.#write(`${counted(this.#count, "line")} were refused so far.\n`);
  }
}
