import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { commitName } from "@indelible/ledger/commit.ts";
import { verifierKeyOf } from "@indelible/ledger/note.ts";
import { CompactRange } from "@indelible/ledger/merkle.ts";
import { openWitness } from "@indelible/ledger/witness.ts";
import { MemoryStore } from "./memory-store.ts";
import { testSigner } from "./test-keys.ts";
import { codesOf, HOUR, listOf, ORIGIN, sealedWorld, World } from "./verify-world.ts";

const folder = mkdtempSync(join(tmpdir(), "verify-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const file = (): string => join(folder, `state-${(files += 1)}`, "checkpoint");

/** A store whose reads take a turn of the event loop, and the most that were under way at once. */
class SlowStore extends MemoryStore {
  max = 0;
  #underWay = 0;

  override async read(name: string): Promise<Uint8Array | undefined> {
    this.#underWay += 1;
    this.max = Math.max(this.max, this.#underWay);
    await new Promise(setImmediate);
    this.#underWay -= 1;
    return super.read(name);
  }
}

describe("verify() - the seal log", () => {
  it("reads commits and notes ahead, because each takes its time, and 32 at most", async () => {
    const world = new World();
    for (let seals = 0; seals < 80; seals += 1) await world.seal();
    world.log();
    await world.seal();
    const store = new SlowStore();
    for (const [name, data] of world.store.objects) store.objects.set(name, data);
    const notes = new SlowStore();
    for (const [number, note] of world.witnessed.entries())
      notes.objects.set(`witness/${String(number).padStart(12, "0")}`, Buffer.from(note));
    const witness = openWitness({ store: notes, keys: world.keys });
    const verification = await world.verify({ store, witness });
    assert.deepEqual([verification.verified, verification.log.commits], [true, 81]);
    assert.deepEqual([store.max, notes.max], [32, 32]);
  });

  it("finds a commit that is missing in the middle, and verifies what is left", async () => {
    const { world } = await sealedWorld();
    await world.seal();
    world.store.objects.delete(commitName(1));
    const verification = await world.verify({ witness: undefined });
    assert.deepEqual(codesOf(verification), ["extra", "log-damaged", "seal-extra"]);
    assert.ok(verification.findings.some(({ message }) => message === "commit 1 is missing"));
    assert.equal(verification.findingCounts.extra, 5);
    assert.equal(verification.log.commits, 2);
  });

  it("takes a witness that came late for one", async () => {
    const { world } = await sealedWorld();
    world.witnessed.shift();
    assert.deepEqual(await world.findings(), []);
  });

  it("finds that the end of the log is gone by the witness, the seals' rows and its own memory, and by nothing else", async () => {
    const { world } = await sealedWorld();
    const memory = file();
    assert.equal((await world.verify({ memory })).verified, true);
    const remembered = readFileSync(memory);
    const first = JSON.parse(String(world.store.objects.get(commitName(0)))) as { readonly entries: readonly string[] };
    world.store.objects.delete(commitName(1));
    const options = { limits: { overdueMs: 1e9 } };
    assert.deepEqual(codesOf(await world.verify({ ...options, witness: undefined })), ["seal-extra"]);
    world.warehouse.rows("seals").splice(first.entries.length);
    assert.deepEqual(codesOf(await world.verify(options)), ["rolled-back"]);
    assert.deepEqual(codesOf(await world.verify({ ...options, witness: undefined, memory })), ["rolled-back"]);
    assert.deepEqual(codesOf(await world.verify({ ...options, witness: undefined })), []);
    assert.deepEqual(readFileSync(memory), remembered);
  });

  it("finds a log that was written anew by whoever holds its key", async () => {
    const { world } = await sealedWorld();
    const memory = file();
    await world.verify({ memory });
    const other = new World();
    other.logMany(3);
    await other.seal();
    await other.seal();
    await other.seal();
    assert.deepEqual(codesOf(await other.verify({ memory })), ["forked"]);
    assert.deepEqual(codesOf(await other.verify({ witness: { notes: () => world.options().witness!.notes() } })), [
      "forked",
    ]);
  });

  it("remembers the last checkpoint, and goes by the new one when the log has grown", async () => {
    const { world } = await sealedWorld();
    const memory = file();
    await world.verify({ memory });
    assert.equal(readFileSync(memory, "utf8"), world.witnessed.at(-1));
    world.log();
    await world.seal();
    assert.equal((await world.verify({ memory })).verified, true);
    assert.equal(readFileSync(memory, "utf8"), world.witnessed.at(-1));
  });

  it("refuses a memory that is no checkpoint, and finds one of another log", async () => {
    const { world } = await sealedWorld();
    const memory = join(folder, "other");
    writeFileSync(memory, "nothing\n");
    await assert.rejects(world.verify({ memory }), { code: "ERR_CONFIG" });
    writeFileSync(memory, await world.checkpoint(testSigner("other.example", "world"), "other.example"));
    assert.deepEqual(codesOf(await world.verify({ memory })), ["other-origin"]);
  });

  it("finds entries that were changed, taken away and put in, since the root is another then", async () => {
    for (const change of [
      (entries: readonly string[]) => entries.with(0, (entries[0] as string).replace('"row_count":0', '"row_count":1')),
      (entries: readonly string[]) => entries.slice(0, -1),
      (entries: readonly string[]) => [...entries, entries[0] as string],
      (entries: readonly string[]) => entries.toReversed(),
      (entries: readonly string[]) => entries.with(0, "{}"),
      (entries: readonly string[]) => entries.with(0, "no JSON"),
    ]) {
      const { world } = await sealedWorld();
      await world.rewriteCommit(1, ({ entries }) => ({ entries: change(entries) }));
      assert.ok(codesOf(await world.verify({ witness: undefined })).includes("log-damaged"));
    }
  });

  it("finds a commit that stands in the place of another, is cut short, or does not follow from the one before", async () => {
    for (const damage of [
      async (world: World) =>
        void world.store.objects.set(commitName(1), world.store.objects.get(commitName(0)) as Buffer),
      async (world: World) => void world.store.objects.set(commitName(1), Buffer.from("{")),
      async (world: World) => void world.store.objects.set("commits/last", Buffer.from("{}")),
      async (world: World) => void world.store.objects.set(commitName(999_999_999_999), Buffer.from("{}")),
      (world: World) => world.rewriteCommit(1, () => ({ before: { size: 0n, hashes: [] } })),
      (world: World) => world.rewriteCommit(1, () => ({ before: { size: 2n ** 63n, hashes: [Buffer.alloc(32)] } })),
      (world: World) => world.rewriteCommit(1, () => ({ before: { size: 7n, hashes: [] } })),
      (world: World) =>
        world.rewriteCommit(1, ({ before }) => ({
          before: { size: before.size, hashes: before.hashes.map(() => Buffer.alloc(32)) },
        })),
    ]) {
      const { world } = await sealedWorld();
      await damage(world);
      const verification = await world.verify();
      assert.equal(verification.verified, false);
      assert.ok(codesOf(verification).includes("log-damaged"));
    }
  });

  it("finds checkpoints with a signature that is wrong, by a stranger, of another log, or by a key whose time was over", async () => {
    const { world } = await sealedWorld();
    const good = world.witnessed[1] as string;
    const cases: [string, string][] = [
      ["unknown-key", await world.checkpoint(testSigner(ORIGIN, "stranger"))],
      ["other-origin", await world.checkpoint(testSigner("other.example", "world"), "other.example")],
      [
        "bad-signature",
        good.replace(/([A-Za-z0-9])(.{5}\n)$/, (_, char: string, rest: string) => (char === "A" ? "B" : "A") + rest),
      ],
      ["log-damaged", world.witnessed[0] as string],
      ["log-damaged", "nothing\n"],
    ];
    for (const [code, checkpoint] of cases) {
      await world.rewriteCommit(1, () => ({ checkpoint }));
      const verification = await world.verify({ witness: undefined });
      assert.deepEqual(codesOf(verification), [code]);
      assert.equal(verification.verified, false);
    }
    await world.rewriteCommit(1, () => ({ checkpoint: good }));
    const until = world.clock - HOUR;
    const key = verifierKeyOf(world.signer);
    assert.deepEqual(codesOf(await world.verify({ keys: { origin: ORIGIN, keys: [{ key, from: 0n, until }] } })), [
      "unknown-key",
    ]);
    const keys = { origin: ORIGIN, keys: [{ key, from: 0n, until: until + 1n }] };
    assert.deepEqual(codesOf(await world.verify({ keys })), []);
  });

  it("follows a rotation of keys", async () => {
    const { world } = await sealedWorld();
    const next = testSigner(ORIGIN, "next");
    const [old] = world.keys.keys;
    world.signer = next;
    world.keys = {
      origin: ORIGIN,
      keys: [
        { ...old!, until: world.clock },
        { key: verifierKeyOf(next), from: world.clock, until: undefined },
      ],
    };
    await world.seal();
    assert.deepEqual(await world.findings(), []);
    assert.ok(codesOf(await world.verify({ keys: listOf(next) })).includes("unknown-key"));
  });

  it("finds seals that say a wrong position, commit, window or time", async () => {
    const changes: [string, (event: { readonly [column: string]: unknown }) => object][] = [
      ["log-damaged", ({ log_index: index }) => ({ log_index: (index as number) + 1 })],
      ["log-damaged", () => ({ checkpoint_number: 7 })],
      ["log-damaged", () => ({ window_start: "2026-03-02T07:00:00Z" })],
      ["log-damaged", () => ({ root_hash: "0".repeat(64) })],
      ["clock-regression", () => ({ sealed_at: "2026-03-02T07:00:00Z" })],
    ];
    for (const [code, change] of changes) {
      const { world } = await sealedWorld();
      await world.seal({ entry: (event) => ({ ...event, ...change(event) }) });
      assert.ok(codesOf(await world.verify()).includes(code as never), String(change));
    }
  });

  it("finds a window of two days with rows", async () => {
    const world = new World();
    world.log();
    world.windowsOf = () => [{ start: 0n, end: world.clock }];
    await world.seal();
    assert.deepEqual(codesOf(await world.verify()), ["log-damaged"]);
  });

  it("says when the witness lags behind, and when it has been shown something that is no checkpoint of this log", async () => {
    const { world } = await sealedWorld();
    world.witnessed.pop();
    assert.deepEqual(codesOf(await world.verify()), []);
    world.clock += 1n;
    assert.deepEqual(codesOf(await world.verify()), ["witness-behind"]);
    world.witnessed.length = 0;
    assert.deepEqual(codesOf(await world.verify()), ["witness-behind"]);
    world.witnessed.push("nothing\n", await world.checkpoint(testSigner(ORIGIN, "stranger")), await world.checkpoint());
    assert.deepEqual(codesOf(await world.verify()), ["unknown-key", "log-damaged"].sort());
  });

  it("finds a hole in what the witness holds", async () => {
    const { world } = await sealedWorld();
    const store = new MemoryStore();
    for (const [number, note] of world.witnessed.entries()) {
      await store.create(`witness/${String(number).padStart(12, "0")}`, Buffer.from(note));
    }
    const witness = openWitness({ store, keys: world.keys });
    assert.deepEqual(await world.findings({ witness }), []);
    store.objects.delete("witness/000000000000");
    const { findings } = await world.verify({ witness });
    assert.deepEqual(
      findings.map(({ code }) => code),
      ["log-damaged", "witness-behind"],
    );
    assert.match(findings[0]?.message ?? "", /^the witness/);
  });

  it("finds an earlier checkpoint of the witness forked that the log never had", async () => {
    const { world } = await sealedWorld();
    const tree = world.tree;
    world.tree = new CompactRange();
    for (let index = 0; index < 5; index += 1) world.tree.append(Buffer.alloc(32, index));
    world.witnessed.push(await world.checkpoint());
    world.tree = tree;
    assert.deepEqual(codesOf(await world.verify()), ["forked"]);
  });
});

describe("verify() - the table of seals", () => {
  const sealRow = (world: World, index: number): string => world.warehouse.rows("seals")[index]?.["log_id"] as string;

  it("finds seals that are missing, changed, made up and there twice", async () => {
    const { world } = await sealedWorld();
    const rows = world.warehouse.rows("seals");
    const [a, b, c, d] = [1, 2, 3, 4].map((index) => sealRow(world, index)) as [string, string, string, string];
    world.admin.copy("seals", d);
    world.admin.copy("seals", a, { log_id: "forged", entry: '{"log_index":1}' });
    world.admin.copy("seals", a, { log_id: "forged-too", entry: "no JSON", log_index: 10n ** 18n });
    world.admin.delete("seals", a);
    world.admin.update("seals", b, { root_hash: "0".repeat(64) });
    world.admin.rewrite("seals", c, (entry) => entry.replace("2026", "2025"));
    const { findings, findingCounts } = await world.verify();
    assert.deepEqual(findingCounts, { "seal-modified": 3, "seal-extra": 1, "seal-duplicated": 1 });
    assert.deepEqual(
      findings.filter(({ code }) => code === "seal-modified").map(({ logId }) => logId),
      [b, c, "forged"],
    );
    assert.equal(rows.length > 0, true);
  });

  it("finds seals that are missing, but gives the row of a new seal some time", async () => {
    const { world } = await sealedWorld();
    world.warehouse.rows("seals").splice(-2);
    assert.deepEqual(await world.findings(), []);
    world.clock += 1n;
    assert.deepEqual(await world.findings(), ["seal-missing", "seal-missing"]);
    world.admin.drop("seals");
    assert.deepEqual(await world.findings(), ["table-missing"]);
  });

  it("does not fail for a seal that is there twice: rows of seals come at least once", async () => {
    const { world } = await sealedWorld();
    world.admin.copy("seals", sealRow(world, 0));
    const verification = await world.verify();
    assert.deepEqual([verification.verified, codesOf(verification)], [true, ["seal-duplicated"]]);
  });

  it("survives rows of which every column is NULL or absurd", async () => {
    const { world } = await sealedWorld();
    world.admin.insert("seals", {});
    world.admin.insert("seals", {
      log_index: -(2n ** 63n),
      entry: "[".repeat(1_000_000),
      entry_hash: "x".repeat(1_000_000),
    });
    world.admin.insert("seals", {
      log_index: 2n ** 63n - 1n,
      entry: '{"log_index":1e300}',
      log_id: "y".repeat(100_000),
    });
    const { findings } = await world.verify();
    assert.deepEqual(
      findings.map(({ code }) => code),
      ["seal-extra", "seal-extra", "seal-extra"],
    );
    assert.ok(JSON.stringify(findings.map(({ logId }) => logId ?? "")).length < 1000);
  });
});
