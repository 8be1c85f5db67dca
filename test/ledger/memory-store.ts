import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";

/**
 * A store in memory. `beforeCreate` runs between the decision of a caller to create an object and its creation: where races are lost, and
 * where the store can be told to fail: before it creates the object, or after it has.
 */
export class MemoryStore implements ObjectStore {
  readonly location = "memory";
  readonly objects: Map<string, Buffer> = new Map();
  /** Names of what was read, in order. */
  readonly reads: string[] = [];
  failure: "none" | "before" | "after" = "none";
  beforeCreate: (name: string) => Promise<void> = async () => {};

  async create(name: string, data: Uint8Array): Promise<boolean> {
    await this.beforeCreate(name);
    if (this.failure === "before") throw new IndelibleError("ERR_STORE", "it failed on purpose");
    if (this.objects.has(name)) return false;
    this.objects.set(name, Buffer.from(data));
    if (this.failure === "after") throw new IndelibleError("ERR_STORE", "it failed on purpose, after it had succeeded");
    return true;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    this.reads.push(name);
    return this.objects.get(name);
  }

  async has(name: string): Promise<boolean> {
    return this.objects.has(name);
  }

  async *list(prefix: string, from: string = prefix): AsyncGenerator<string> {
    for (const name of [...this.objects.keys()].toSorted()) if (name.startsWith(prefix) && name >= from) yield name;
  }
}
