import assert from "node:assert/strict";
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { isRefusal } from "@indelible/ledger/sealer.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertFound, Backup, Forger, replace, withEntry } from "./forger.ts";
import { Arena, conversation, MINUTE, type World } from "./world.ts";

const arena = new Arena();
let world: World;
let backup: Backup;
before(async () => {
  await arena.start();
  world = await (await arena.world()).fill();
  backup = new Backup(world);
});
after(() => arena.stop());
afterEach(() => backup.restore());

const noteOf = (of: World, number: number): string =>
  join(of.folder, "witness", "witness", String(number).padStart(12, "0"));

describe("a witness", () => {
  it("that has forgotten the last checkpoint is behind, when it has had time to be shown it", async () => {
    rmSync(noteOf(world, 3));
    assertFound(await world.verify(), []);
    world.nowMs += 61 * MINUTE;
    assertFound(await world.verify(), ["witness-behind #15"], /^the witness has been shown 15 of 24 seals/);
    // A verifier of a log that was cut back to there does not learn of it by this witness, but by what he remembers.
  });

  it("that has forgotten everything is behind from the first seal on", async () => {
    for (const number of [0, 1, 2, 3]) rmSync(noteOf(world, number));
    assertFound(await world.verify(), ["witness-behind #0"], /^the witness has been shown 0 of 24 seals/);
  });

  it("without one of its notes cannot be read to its end", async () => {
    rmSync(noteOf(world, 1));
    assertFound(await world.verify(), ["log-damaged", "witness-behind #11"], /^the witness cannot be read to its end/);
  });

  for (const [what, text] of Object.entries({ empty: "", "no note": "hello", "a megabyte": "x".repeat(1_000_001) })) {
    it(`with a note that is ${what} is damaged there, and asked for the others`, async () => {
      replace(noteOf(world, 1), Buffer.from(text));
      assertFound(await world.verify(), ["log-damaged"], /^note 1 of the witness cannot be read/);
    });
  }

  it("with a note of another log says so", async () => {
    const other = await (await arena.world()).fill();
    copyFileSync(noteOf(other, 3), noteOf(world, 4));
    const said = /^note 4 of the witness is of the log "indelible\/attack-\d\/agent_logs_raw"/;
    assertFound(await world.verify(), ["other-origin"], said);
  });

  it("does not take what the key's owner has sealed on top of another history, and the run says so", async () => {
    const own = await (await arena.world()).fill();
    const forger = new Forger(own);
    await forger.rebuild(withEntry(forger.log(), 23, { read_session: "projects/p/locations/us/sessions/other" }));
    await own.log("conversations", conversation("on top"));
    own.nowMs += 2 * MINUTE;
    const { commitNumber, witnessFailure } = await own.seal();
    assert.equal(commitNumber, 4);
    assert.ok(IndelibleError.is(witnessFailure));
    assert.equal(witnessFailure.code, "ERR_CHECKPOINT");
    assert.ok(isRefusal(witnessFailure), "showing it again cannot help");
    await own.deliverAudit();
    // Row 23 had been written; that the sealer has completed the commit has written the other one beside it.
    assertFound(
      await own.verify(),
      ["forked", "seal-extra seals"],
      /^the witness has seen the root \w+ over the first 24/,
    );
  });
});
