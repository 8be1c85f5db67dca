/** Counts by name. */
export class Figures {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  /** In the order of the names. */
  all(): { readonly [name: string]: number } {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Faults, kills and cuts so far, in one line. */
  line(): string {
    const of = (prefix: string): number =>
      this.#counts.entries().reduce((sum, [name, count]) => (name.startsWith(prefix) ? sum + count : sum), 0);
    return `${of("faults")} faults, ${of("kills")} kills, ${of("connections cut")} cuts`;
  }
}
