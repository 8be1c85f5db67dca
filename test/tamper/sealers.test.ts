import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { sealedTables } from "@indelible/schemas/names.ts";
import { assertFound, Forger } from "./forger.ts";
import { Arena, conversation, date, logIdOf, MINUTE, thought, type World } from "./world.ts";

const script = fileURLToPath(new URL("./sealer-process.ts", import.meta.url));
const arena = new Arena();
before(() => arena.start());
after(() => arena.stop());

/** A sealer in a process of its own, which may be killed. */
class SealerProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(world: World) {
    const args = [script, world.projectId, String(arena.grpcPort), world.folder];
    this.#child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const lines = createInterface(this.#child.stdout as NodeJS.ReadableStream);
    this.#lines = lines[Symbol.asyncIterator]();
  }

  /** Resolves when it can seal. */
  async ready(): Promise<this> {
    assert.equal((await this.#lines.next()).value, "ready");
    return this;
  }

  /** Seals at this time. Killed at the step with this number; how it ended, or undefined when it was killed. */
  async seal(nowMs: number, killAt: number): Promise<string | undefined> {
    this.#child.stdin?.write(`${nowMs}\n`);
    for (let step = 0; ; step += 1) {
      if (step === killAt) {
        await this.kill();
        return undefined;
      }
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error("the sealer ended by itself");
      if (value.startsWith("end ")) return value.slice(4);
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

describe("two sealers of one log", () => {
  it("that are killed at any moment seal every row once, and leave nothing behind that is found", async (t) => {
    const world = await arena.world();
    const random = randomOf(7);
    const lanes: SealerProcess[] = [];
    t.after(async () => {
      for (const lane of lanes) await lane.kill();
    });
    const start = async (index: number): Promise<void> => {
      lanes[index] = await new SealerProcess(world).ready();
    };
    await Promise.all([start(0), start(1)]);

    const ends: (string | undefined)[] = [];
    for (let round = 0; round < 12; round += 1) {
      for (let row = 0; row < 3; row += 1) await world.log("conversations", conversation(`c${round}-${row}`));
      await world.log("thinking_logs", thought(`t${round}`));
      world.nowMs += 2 * MINUTE;
      // A run has some 20 steps.
      const kills = [Math.floor(random() * 24), Math.floor(random() * 24)];
      const run = await Promise.all(lanes.map((lane, index) => lane.seal(world.nowMs, kills[index] ?? 0)));
      ends.push(...run);
      await Promise.all([...run.keys()].filter((index) => run[index] === undefined).map(start));
    }
    assert.ok(ends.filter((end) => end === undefined).length >= 6, String(ends));
    for (const end of ends) assert.match(end ?? "sealed 0", /^(sealed \d+|ERR_SEAL_CONFLICT)$/);

    world.nowMs += 2 * MINUTE;
    await world.seal();
    const log = new Forger(world)
      .log()
      .flat()
      .map((entry) => JSON.parse(entry) as { table_name: string; row_count: number });
    const sealed = (table: string): number =>
      log.filter(({ table_name: name }) => name === table).reduce((sum, seal) => sum + seal.row_count, 0);
    assert.deepEqual([sealed("conversations"), sealed("thinking_logs")], [36, 12]);
    const rows = await world.select<{ log_index: number }>("SELECT DISTINCT log_index FROM seals ORDER BY log_index");
    assert.deepEqual(
      rows.map((row) => row.log_index),
      log.map((_, position) => position),
    );
    // What may be late is not late any more: rows of seals, and the witness.
    world.nowMs += 61 * MINUTE;
    const { findings, verified } = await world.verify();
    assert.deepEqual(
      findings.filter(({ code }) => code !== "seal-duplicated"),
      [],
    );
    assert.ok(verified);
  });

  it("of which one overtakes the other do not take that for a store that was set back", async () => {
    const world = await (await arena.world()).fill();
    await world.log("conversations", conversation("late"));
    world.nowMs += 2 * MINUTE;
    const witness = await world.witness();
    let overtaken = false;
    const slow = {
      ...witness,
      async latest() {
        if (!overtaken) {
          overtaken = true;
          await world.seal();
        }
        return witness.latest();
      },
    };
    assert.equal((await world.seal({ witness: slow })).seals, 0);
    await world.deliverAudit();
    assertFound(await world.verify(), []);
  });
});

describe("a sealer", () => {
  it("whose clock is set back writes nothing, and goes on when it is right again", async () => {
    const world = await (await arena.world()).fill();
    await world.log("conversations", conversation("next"));
    const rightMs = world.nowMs + 2 * MINUTE;
    world.nowMs -= 10 * MINUTE;
    const commits = world.commits();
    await assert.rejects(world.seal(), { code: "ERR_CLOCK", message: new RegExp(`the clock says ${date}T13:2`) });
    assert.deepEqual(world.commits(), commits);
    world.nowMs = rightMs;
    assert.ok((await world.seal()).rows > 1);
    await world.deliverAudit();
    assertFound(await world.verify(), []);
  });

  it("that has stopped is overdue, by table", async () => {
    const world = await (await arena.world()).fill();
    await world.log("conversations", conversation("never sealed"));
    world.nowMs += 121 * MINUTE;
    const overdue = sealedTables.map((table) => `seal-overdue ${table}`);
    assertFound(await world.verify(), overdue, new RegExp(`^its last seal ends at ${date}T13:35:18.000000Z$`));
  });

  it("does not see rows that come late into a window that it has sealed, and the verifier finds them extra", async () => {
    const world = await (await arena.world()).fill();
    const nowMs = world.nowMs;
    world.nowMs = Date.parse(`${date}T12:03:00Z`);
    await world.log("conversations", conversation("backdated"));
    world.nowMs = nowMs;
    const verification = await world.verify();
    assertFound(verification, ["extra conversations #11"]);
    assert.equal(verification.findings[0]?.logId, logIdOf(25));
    world.nowMs += 2 * MINUTE;
    await world.seal();
    await world.deliverAudit();
    assertFound(await world.verify(), ["extra conversations #11"]);
  });
});

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
