import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { folderStore } from "@indelible/ledger/folder-store.ts";
import { CompactRange, leafHash } from "@indelible/ledger/merkle.ts";
import { verifierKeyOf } from "@indelible/ledger/note.ts";
import { verify } from "@indelible/ledger/verify.ts";
import { testSigner } from "../ledger/test-keys.ts";
import { assertFound, Backup, edited, Forger, withEntry, type Log } from "./forger.ts";
import { Arena, conversation, date, MINUTE, type World } from "./world.ts";

/** Of the untouched log: commit 0 has seals 0 to 10, 1 has 11 and 12, 2 has 13 and 14, 3 has 15 to 23, of all tables. */
const LAST_TABLES = [
  "conversations #15",
  "thinking_logs #16",
  "decision_logs #17",
  "action_logs #18",
  "escalation_logs #19",
  "mcp_usage_logs #20",
  "log_access_audit #21",
  "dead_letters #22",
  "dead_letter_reviews #23",
];
/** What a hole where commit 1 was leads to: its rows and the rows of its seals are of no seal, and the windows do not tile. */
const WITHOUT_COMMIT_1 = [
  "log-damaged",
  "log-damaged conversations #13",
  "log-damaged thinking_logs #14",
  "extra conversations",
  "extra thinking_logs",
  "seal-extra seals",
];

const arena = new Arena();
let world: World;
let backup: Backup;
let forger: Forger;
before(async () => {
  await arena.start();
  world = await (await arena.world()).fill();
  backup = new Backup(world);
  forger = new Forger(world);
});
after(() => arena.stop());
afterEach(() => backup.restore());

describe("the store of the log, changed by whoever owns the disk", () => {
  it("without a commit in the middle is damaged, and not forked: the root that the witness saw stands in the next one", async () => {
    forger.remove(1);
    assertFound(await world.verify({ memory: true }), WITHOUT_COMMIT_1, /^commit 1 is missing$/);
  });

  it("without its first commit is damaged", async () => {
    forger.remove(0);
    const windows = ["conversations #11", "thinking_logs #12", ...LAST_TABLES.slice(2)];
    const expected = ["log-damaged", ...windows.map((window) => `log-damaged ${window}`), "seal-extra seals"];
    assertFound(await world.verify(), expected, /^commit 0 is missing$/);
  });

  it("without its last commit is rolled back, as the witness and the rows of seals say", async () => {
    forger.remove(3);
    const said = /^the witness has seen 24 seals, and the log has 15$/;
    assertFound(await world.verify(), ["rolled-back", "seal-extra seals"], said);
  });

  it("without its last commit, and the witness with it, is rolled back, as the verifier remembers", async () => {
    assertFound(await world.verify({ memory: true }), []);
    forger.remove(3);
    forger.setWitness();
    const said = /^this verifier has seen 24 seals, and the log has 15$/;
    assertFound(await world.verify({ memory: true }), ["rolled-back", "seal-extra seals"], said);
    assertFound(await world.verify({ memory: true }), ["rolled-back", "seal-extra seals"], said);
  });

  it("that is emptied is rolled back, and the sealer does not begin anew", async () => {
    for (const name of world.commits()) world.removeObject(`commits/${name}`);
    const overdue = LAST_TABLES.map((table) => `seal-overdue ${table.split(" ")[0]}`);
    assertFound(await world.verify(), ["rolled-back", "seal-extra seals", ...overdue], /the log has 0$/);
    await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT", message: /the store was set back/ });
  });

  const texts: readonly (readonly [what: string, change: (text: string) => string])[] = [
    ["is not JSON", () => "hello"],
    ["is empty", () => ""],
    ["is null", () => "null"],
    ["is a megabyte of digits", () => "9".repeat(1_000_000)],
    ["is a hundred thousand brackets", () => "[".repeat(100_000)],
    ["is cut short", (text) => text.slice(0, text.length / 2)],
    ["says a number beyond all", (text) => text.replace('"number": 1', '"number": 1e400')],
    ["says the number of another", (text) => text.replace('"number": 1', '"number": 2')],
    ["has no entries", (text) => text.replace(/"entries": \[.*\]/s, '"entries": []')],
    ["has a tree before it of a negative size", (text) => text.replace('"size": "11"', '"size": "-11"')],
  ];
  for (const [what, change] of texts) {
    it(`with a commit that ${what} is damaged there, and read on behind it`, async () => {
      world.changeObject("commits/000000000001", change);
      assertFound(await world.verify(), WITHOUT_COMMIT_1, /^commit 1 (cannot be read|says that it is)/);
    });
  }

  it("with a last commit that is cut short is damaged, and the sealer puts nothing on top", async () => {
    world.changeObject("commits/000000000003", (text) => text.slice(0, text.length / 2));
    const expected = ["log-damaged", "rolled-back", "seal-extra seals"];
    assertFound(await world.verify(), expected, /^commit 3 cannot be read/);
    await assert.rejects(world.seal(), { code: "ERR_CHECKPOINT" });
  });

  it("with a seal that counts fewer rows is damaged, and not forked: the key has signed nothing else", async () => {
    const log = withEntry(forger.log(), 11, { row_count: 5 });
    forger.change(1, { entries: log[1] ?? [] });
    const expected = ["log-damaged", "seal-modified seals #11", "window-differs conversations #11"];
    assertFound(await world.verify(), expected, /^the checkpoint of commit 1 has another root/);
  });

  it("with entries of a commit in another order is damaged, and not forked", async () => {
    forger.change(1, { entries: forger.commit(1).entries.toReversed() });
    const places = ["11", "12"].flatMap((at) => [`log-damaged #${at}`, `seal-modified seals #${at}`]);
    assertFound(await world.verify(), ["log-damaged", ...places], /^the seal at 11 says that it is at 12$/);
  });

  const trees: readonly (readonly [
    what: string,
    size: bigint,
    hashes: (own: readonly Buffer[]) => readonly Buffer[],
  ])[] = [
    ["of other hashes", 13n, (own) => own.toReversed()],
    ["of too few hashes", 13n, (own) => own.slice(1)],
    ["that is one seal smaller", 12n, (own) => own.slice(0, 2)],
    ["that is empty", 0n, () => []],
    ["that is as large as can be", 2n ** 53n - 1n, () => Array.from({ length: 53 }, () => Buffer.alloc(32))],
    ["that is larger than can be", 10n ** 20n - 1n, () => []],
  ];
  for (const [what, size, hashes] of trees) {
    it(`with a tree before a commit ${what} is damaged, and its seals are those that were signed`, async () => {
      forger.change(2, { before: { size, hashes: hashes(forger.commit(2).before.hashes) } });
      assertFound(await world.verify(), ["log-damaged"], /^commit 2 does not follow from the ones before/);
    });
  }

  it("with a tree before a commit behind a hole that nobody has signed is damaged there, too", async () => {
    forger.remove(1);
    forger.change(2, { before: { size: 14n, hashes: forger.commit(2).before.hashes } });
    const windows = ["log-damaged conversations #15", "log-damaged thinking_logs #16"];
    const rows = ["extra conversations", "extra thinking_logs", "seal-extra seals"];
    const said = /^the checkpoint of commit 2 is over no tree that its entries could be added to$/;
    assertFound(await world.verify(), ["log-damaged", ...windows, ...rows], said);
  });

  it("with a commit of another log's store is of another origin there", async () => {
    const other = await (await arena.world()).fill();
    cpSync(
      join(other.folder, "store", "commits", "000000000003"),
      join(world.folder, "store", "commits", "000000000004"),
    );
    world.changeObject("commits/000000000004", (text) => text.replace('"number": 3', '"number": 4'));
    assertFound(await world.verify(), ["log-damaged", "other-origin"], /^commit 4 does not follow/);
    forger.write({ ...forger.commit(4), before: beforeNext() });
    const seals = LAST_TABLES.flatMap((table, at) => [
      `log-damaged #${24 + at}`,
      `log-damaged ${table.split(" ")[0]} #${24 + at}`,
    ]);
    assertFound(await world.verify(), ["other-origin", ...seals], /^the checkpoint of commit 4 is of the log/);
  });
});

describe("the log, signed anew by whoever holds its key", () => {
  it("with an old seal once more is damaged where it stands", async () => {
    const log = forger.log();
    await forger.rebuild([...log, [log[1]?.[0] ?? ""]]);
    forger.setWitness();
    const at = ["log-damaged #24", "log-damaged conversations #24", "clock-regression conversations #24"];
    assertFound(await world.verify(), [...at, "seal-missing seals #24"], /^the seal at 24 says that it is at 11$/);
  });

  it("with an old seal once more, under a number of its own, has a window twice", async () => {
    const log = forger.log();
    const sealedAt = JSON.parse(log[3]?.[0] ?? "") as { readonly sealed_at: string };
    const change = { log_index: 24, checkpoint_number: 4, sealed_at: sealedAt.sealed_at };
    await forger.rebuild([...log, [edited(log[1]?.[0], change)]]);
    forger.setWitness();
    const said = new RegExp(
      `^the window begins at ${date}T12:01:06.000000Z, and the one before ends at ${date}T13:35:18`,
    );
    assertFound(await world.verify(), ["log-damaged conversations #24"], said);
  });

  const changes: readonly (readonly [
    what: string,
    position: number,
    change: { readonly [field: string]: unknown },
    expected: readonly string[],
  ])[] = [
    ["with a seal that counts fewer rows", 11, { row_count: 5 }, ["window-differs conversations #11"]],
    ["with a seal that counts rows without end", 11, { row_count: 2 ** 53 - 1 }, ["window-differs conversations #11"]],
    ["with a seal of another root", 11, { root_hash: "ab".repeat(32) }, ["window-differs conversations #11"]],
    ["with a window that leaves a gap", 11, { window_start: `${date}T12:02:06Z` }, ["log-damaged conversations #11"]],
    [
      "with a window that overlaps the one before",
      11,
      { window_start: `${date}T12:01:05Z` },
      ["log-damaged conversations #11", "log-damaged conversations #13", "extra conversations"],
    ],
    [
      "with a window that ends too late",
      11,
      { window_end: `${date}T12:03:13Z` },
      ["log-damaged conversations #13", "log-damaged conversations #15", "extra conversations"],
    ],
    ["with a clock that goes back", 13, { sealed_at: `${date}T12:03:00Z` }, ["clock-regression conversations #13"]],
    ["with a seal that says another place", 11, { log_index: 2 ** 53 - 1 }, ["log-damaged #11"]],
    ["with a seal that says another commit", 11, { checkpoint_number: 7 }, ["log-damaged #11"]],
    [
      "with a seal that is none",
      11,
      { row_count: -6 },
      ["log-damaged #11", "log-damaged conversations #13", "extra conversations"],
    ],
  ];
  for (const [what, position, change, expected] of changes) {
    it(`${what} is found for itself, and is forked for the witness`, async () => {
      await forger.rebuild(withEntry(forger.log(), position, change));
      const found = [...expected, `seal-modified seals #${position}`];
      assertFound(await world.verify(), [...found, "forked"]);
      forger.setWitness();
      assertFound(await world.verify(), found);
    });
  }

  it("with the same root over another size in a checkpoint is damaged", async () => {
    const { before: tree, entries } = forger.commit(2);
    const grown = grownBy(tree, entries);
    forger.change(2, { checkpoint: await forger.sign({ size: 16n, rootHash: grown.root() }) });
    const said = /^the checkpoint of commit 2 is over 16 seals, and the log has 15 there$/;
    assertFound(await world.verify(), ["log-damaged"], said);
  });

  it("with another last commit of the same size is forked, by the witness and by what the verifier remembers", async () => {
    assertFound(await world.verify({ memory: true }), []);
    await forger.rebuild(otherLast());
    const found = ["forked", "seal-modified seals #23"];
    assertFound(await world.verify(), found, /^the witness has seen the root \w+ over the first 24 seals/);
    forger.setWitness();
    assertFound(await world.verify({ memory: true }), found, /^this verifier has seen the root \w+ over the first 24/);
    // Both are signed: whoever shows the two notes has proved it.
    backup.restorePart("store");
    assertFound(await world.verify(), ["forked"]);
  });

  it("that has gone on from another last commit than the witness has seen is forked, however long it is", async () => {
    const log = otherLast();
    const next = edited(log[3]?.[0], {
      log_index: 24,
      checkpoint_number: 4,
      window_start: `${date}T13:35:18.000000Z`,
      window_end: `${date}T13:36:18.000000Z`,
    });
    await forger.rebuild([...log, [next]]);
    assertFound(
      await world.verify(),
      ["forked", "seal-modified seals #23"],
      /over the first 24 seals, which now have the root/,
    );
  });

  it("under another origin, with other keys, is of another log by the list of keys and by what is remembered", async () => {
    assertFound(await world.verify({ memory: true }), []);
    const origin = "indelible/afresh/agent_logs_raw";
    const signer = testSigner(origin);
    const log = forger.log();
    const renamed = log.map((entries) => entries.map((entry) => entry.replaceAll(world.origin, origin)));
    await forger.rebuild(renamed, [signer], origin);
    const seals = renamed.flat().map((_, position) => `seal-modified seals #${position}`);
    const said = /^the checkpoint of commit 0 is of the log "indelible\/afresh\/agent_logs_raw", not of/;
    assertFound(await world.verify(), ["other-origin", ...seals], said);
    const { findings } = await verify({
      reader: world.reader,
      store: folderStore(join(world.folder, "store")),
      keys: { origin, keys: [{ key: verifierKeyOf(signer), from: 0n, until: undefined }] },
      now: () => world.micros(),
      memory: join(world.folder, "memory"),
    });
    const codes = new Set(findings.map(({ code }) => code));
    assert.deepEqual(codes, new Set(["seal-modified", "other-origin"]));
  });

  it("that was rolled back and sealed again is forked, and the sealer refuses while witness or seals tell of it", async () => {
    const own = await (await arena.world()).fill();
    new Forger(own).remove(3);
    await own.log("conversations", conversation("after the rollback"));
    own.nowMs += 2 * MINUTE;
    await assert.rejects(own.seal(), { code: "ERR_CHECKPOINT", message: /the store was set back/ });
    const lost = { code: "ERR_CHECKPOINT", message: /rows of commit 3, and the store .* does not have it/ };
    await assert.rejects(own.seal({ witness: false }), lost);
    await own.admin("CREATE TABLE hidden AS SELECT * FROM seals WHERE checkpoint_number = 3");
    await own.admin("DELETE FROM seals WHERE checkpoint_number = 3");
    await own.seal({ witness: false });
    await own.admin("INSERT INTO seals SELECT * FROM hidden");
    await own.deliverAudit();
    own.nowMs += 60 * MINUTE;
    const { findings } = await own.verify();
    const codes = new Set(findings.map(({ code }) => code));
    assert.deepEqual(codes, new Set(["seal-extra", "forked"]));
  });
});

describe("the table of seals, changed by the admin", () => {
  before(() => world.admin("CREATE TABLE agent_logs_raw.kept AS SELECT * FROM seals"));
  afterEach(async () => {
    await world.admin("DELETE FROM seals WHERE TRUE");
    await world.admin("INSERT INTO seals SELECT * FROM kept");
  });

  it("has an old seal once more, which harms nobody", async () => {
    await world.admin("INSERT INTO seals SELECT * FROM seals WHERE log_index = 11");
    const verification = await world.verify();
    assertFound(verification, ["seal-duplicated seals #11"], /^the table has 2 rows of this seal$/);
    assert.equal(verification.verified, true);
  });

  it("lacks a seal of the middle", async () => {
    await world.admin("DELETE FROM seals WHERE log_index = 13");
    assertFound(await world.verify(), ["seal-missing seals #13"]);
  });

  for (const [column, value] of [
    ["row_count", "5"],
    ["root_hash", `'${"ab".repeat(32)}'`],
    ["window_end", `TIMESTAMP '${date}T12:03:13Z'`],
    ["log_index", "12"],
    ["entry_hash", `'${"ab".repeat(32)}'`],
    ["table_name", "'thinking_logs'"],
  ]) {
    it(`has another ${column} in a column`, async () => {
      await world.admin(`UPDATE seals SET ${column} = ${value} WHERE log_index = 11`);
      assertFound(await world.verify(), ["seal-modified seals #11"], new RegExp(`^the column ${column} of the row`));
    });
  }

  it("has another seal in its entry and all columns", async () => {
    await world.admin(
      "UPDATE seals SET row_count = 5, entry = @entry, entry_hash = TO_HEX(SHA256(@entry)) WHERE log_index = 11",
      {
        entry: edited(forger.log()[1]?.[0], { row_count: 5 }),
      },
    );
    assertFound(await world.verify(), ["seal-modified seals #11"], /^the entry of the row is not the one of the log$/);
  });

  it("has a seal that the log does not have", async () => {
    const entry = edited(forger.log()[3]?.[0], { log_index: 24, checkpoint_number: 4 });
    await world.admin("INSERT INTO seals SELECT * FROM seals WHERE log_index = 15");
    await world.admin("UPDATE seals SET entry = @entry, log_index = 24 WHERE log_index = 15", { entry });
    await world.admin("INSERT INTO seals SELECT * FROM kept WHERE log_index = 15");
    assertFound(await world.verify(), ["seal-extra seals"]);
  });
});

function grownBy(
  tree: { readonly size: bigint; readonly hashes: readonly Buffer[] },
  entries: readonly string[],
): CompactRange {
  const grown = new CompactRange(tree.size, tree.hashes);
  for (const entry of entries) grown.append(leafHash(Buffer.from(entry)));
  return grown;
}

/** The tree behind the last commit. */
function beforeNext(): CompactRange {
  const { before: tree, entries } = forger.commit(3);
  return grownBy(tree, entries);
}

/** The log with a last seal that says that another read saw its window: nobody can tell by the rows. */
function otherLast(): Log {
  return withEntry(forger.log(), 23, { read_session: "projects/p/locations/us/sessions/other" });
}
