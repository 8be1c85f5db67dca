import type { ObjectStore } from "@indelible/ledger/object-store.ts";

/** A store in memory. `beforeCreate` runs between the decision of a caller to create an object and its creation: where races are lost. */
export class MemoryStore implements ObjectStore {
  readonly location = "memory";
  readonly objects: Map<string, Buffer> = new Map();
  beforeCreate: (name: string) => Promise<void> = async () => {};

  async create(name: string, data: Uint8Array): Promise<boolean> {
    await this.beforeCreate(name);
    if (this.objects.has(name)) return false;
    this.objects.set(name, Buffer.from(data));
    return true;
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    return this.objects.get(name);
  }

  async has(name: string): Promise<boolean> {
    return this.objects.has(name);
  }

  async *list(prefix: string, from: string = prefix): AsyncGenerator<string> {
    for (const name of [...this.objects.keys()].toSorted()) if (name.startsWith(prefix) && name >= from) yield name;
  }
}
