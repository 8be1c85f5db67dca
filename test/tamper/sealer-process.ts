/**
 * A sealer in a process of its own, for tests: seals when a line says what time it is, and says each time that it calls the store, and how
 * the run ended.
 *
 *     node test/tamper/sealer-process.ts PROJECT GRPC_PORT FOLDER
 */
import { createInterface } from "node:readline";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { ObjectStore } from "@indelible/ledger/object-store.ts";
import { World } from "./world.ts";

const [projectId = "", grpcPort = "", folder = ""] = process.argv.slice(2);
const world = new World(projectId, Number(grpcPort), folder);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const { store } = world;
const told: ObjectStore = {
  location: store.location,
  async create(name, data) {
    say(`create ${name}`);
    const isNew = await store.create(name, data);
    say(`created ${name}`);
    return isNew;
  },
  read(name) {
    say(`read ${name}`);
    return store.read(name);
  },
  has: (name) => store.has(name),
  list: (prefix, from) => store.list(prefix, from),
};

say("ready");
for await (const line of createInterface(process.stdin)) {
  world.nowMs = Number(line);
  try {
    const { seals } = await world.seal({ store: told });
    say(`end sealed ${seals}`);
  } catch (error) {
    say(`end ${IndelibleError.is(error) ? error.code : String(error)}`);
  }
}
