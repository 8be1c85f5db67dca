/** Something that falls due. `position` belongs to the queue that it is in, -1 when it is in none. */
export interface Due {
  dueMs: number;
  position: number;
}

/** A binary heap by `dueMs` from which any item can be taken: settled leases leave at once, so it is never longer than what is outstanding. */
export class DueQueue<Item extends Due> {
  readonly #items: Item[] = [];

  get first(): Item | undefined {
    return this.#items[0];
  }

  /** Inserts `item`, or moves it when it is already inside. */
  put(item: Item, dueMs: number): void {
    item.dueMs = dueMs;
    if (item.position < 0) {
      item.position = this.#items.length;
      this.#items.push(item);
    }
    this.#rise(item);
    this.#sink(item);
  }

  /** Takes `item` out. Nothing happens when it is not inside. */
  remove(item: Item): void {
    if (item.position < 0) return;
    const last = this.#items.pop();
    if (last !== undefined && last !== item) {
      last.position = item.position;
      this.#items[last.position] = last;
      this.#rise(last);
      this.#sink(last);
    }
    item.position = -1;
  }

  #rise(item: Item): void {
    while (item.position > 0) {
      const parent = this.#items[(item.position - 1) >> 1];
      if (parent === undefined || parent.dueMs <= item.dueMs) return;
      this.#swap(parent, item);
    }
  }

  #sink(item: Item): void {
    for (;;) {
      const left = this.#items[2 * item.position + 1];
      const right = this.#items[2 * item.position + 2];
      const child = right !== undefined && left !== undefined && right.dueMs < left.dueMs ? right : left;
      if (child === undefined || child.dueMs >= item.dueMs) return;
      this.#swap(item, child);
    }
  }

  #swap(upper: Item, lower: Item): void {
    [upper.position, lower.position] = [lower.position, upper.position];
    this.#items[upper.position] = upper;
    this.#items[lower.position] = lower;
  }
}
