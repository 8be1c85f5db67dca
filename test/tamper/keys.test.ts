import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { openFileSigner } from "@indelible/ledger/file-signer.ts";
import { parseKeyList, serializeKeyList, type KeyList } from "@indelible/ledger/key-list.ts";
import { verifierKeyOf } from "@indelible/ledger/note.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import { testSigner } from "../ledger/test-keys.ts";
import { assertFound, Backup, edited, Forger, replace } from "./forger.ts";
import { Arena, conversation, date, MINUTE, type World } from "./world.ts";

const HOUR = 60 * MINUTE;

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

describe("a checkpoint", () => {
  it("that a stranger has signed is of an unknown key", async () => {
    const stranger = testSigner(world.origin, "stranger");
    forger.change(3, { checkpoint: await forger.resigned(3, [stranger]) });
    const id = verifierKeyOf(stranger).keyId.toString("hex");
    const said = new RegExp(`^the checkpoint of commit 3 is signed by "${world.origin}\\+${id}", which is no key`);
    assertFound(await world.verify(), ["unknown-key"], said);
  });

  it("that a stranger has signed under the trusted key's ID has a bad signature", async () => {
    forger.change(2, { checkpoint: await forgedLine(2) });
    assertFound(await world.verify(), ["bad-signature"], /^the checkpoint of commit 2 has a signature by/);
  });

  it("that has a signature by a stranger under the trusted key's ID beside the true one has a bad signature", async () => {
    const own = forger.commit(2).checkpoint;
    const line = (await forgedLine(2)).split("\n\n")[1] ?? "";
    forger.change(2, { checkpoint: own + line });
    assertFound(await world.verify(), ["bad-signature"]);
  });

  it("that is signed by a stranger beside the trusted key is what it was", async () => {
    const [own] = await forger.signers();
    forger.change(2, { checkpoint: await forger.resigned(2, [own as Signer, testSigner(world.origin, "stranger")]) });
    assertFound(await world.verify(), []);
  });

  it("whose signature was removed is no signed note", async () => {
    forger.change(1, { checkpoint: `${forger.commit(1).checkpoint.split("\n\n")[0]}\n\n` });
    assertFound(await world.verify(), ["log-damaged"], /^the checkpoint of commit 1 cannot be read: this is no signed/);
  });

  it("whose signature has another bit has a bad signature", async () => {
    const { checkpoint } = forger.commit(1);
    const at = checkpoint.length - 10;
    const other = checkpoint[at] === "A" ? "B" : "A";
    forger.change(1, { checkpoint: checkpoint.slice(0, at) + other + checkpoint.slice(at + 1) });
    assertFound(await world.verify(), ["bad-signature"], /^the checkpoint of commit 1 /);
  });

  it("of the witness that a stranger has signed is of an unknown key", async () => {
    const note = join(world.folder, "witness", "witness", "000000000002");
    const stranger = await forger.resigned(2, [testSigner(world.origin, "stranger")]);
    replace(note, Buffer.from(stranger));
    assertFound(await world.verify(), ["unknown-key"], /^note 2 of the witness is signed by/);
  });
});

describe("a list of keys", () => {
  it("in which the key ends before seals that it has made says which they are", async () => {
    const list = world.keyList();
    const until = BigInt(Date.parse(`${date}T12:03:00Z`)) * 1000n;
    const ended: KeyList = { ...list, keys: list.keys.map((trusted) => ({ ...trusted, until })) };
    const { findings } = await world.verify({ keys: ended });
    assert.deepEqual(
      findings.map(({ code, message }) => [code, /commit \d/.exec(message)?.[0]]),
      [
        ["unknown-key", "commit 1"],
        ["unknown-key", "commit 2"],
        ["unknown-key", "commit 3"],
      ],
    );
  });

  it("in which the key begins after seals that it has made says which they are", async () => {
    const list = world.keyList();
    const from = BigInt(Date.parse(`${date}T12:03:00Z`)) * 1000n;
    const keys = list.keys.map((trusted) => ({ ...trusted, from }));
    assertFound(await world.verify({ keys: { ...list, keys } }), ["unknown-key"], /^the checkpoint of commit 0 /);
  });

  it("that names another key for the log does not seal, and verifies nothing", async () => {
    const path = join(world.keyFolder, "keys.json");
    const list = world.keyList();
    const other = verifierKeyOf(testSigner(world.origin, "stranger"));
    const changed = { ...list, keys: list.keys.map((trusted) => ({ ...trusted, key: other })) };
    writeFileSync(path, serializeKeyList(changed));
    await assert.rejects(world.seal(), { code: "ERR_KEY", message: /is not the key .* that keys.json names/ });
    const verification = await world.verify({ keys: parseKeyList(readFileSync(path, "utf8")) });
    assertFound(verification, ["unknown-key", "witness-behind #0"], /^note 3 of the witness is signed by/);
  });
});

describe("a rotation of keys", () => {
  it("verifies through all that the old key, both and the new one have signed", async () => {
    const own = await (await arena.world()).fill();
    const old = own.keyList();
    own.nowMs += MINUTE;
    await own.rotateKeys(HOUR);
    await sealOne(own, "by both");
    const signatures = new Forger(own)
      .commit(4)
      .checkpoint.split("\n")
      .filter((line) => line.startsWith("— "));
    assert.equal(signatures.length, 2);
    assertFound(await own.verify(), []);
    // Whoever has the old list can verify as long as both sign.
    assertFound(await own.verify({ keys: old }), []);
    own.nowMs += 2 * HOUR;
    await sealOne(own, "by the new one");
    assertFound(await own.verify(), []);
    const late = await own.verify({ keys: old });
    assertFound(late, ["unknown-key"], /^the checkpoint of commit 5 is signed by/);
  });

  it("ends the old key: what it signs for later seals is of an unknown key", async () => {
    const own = await (await arena.world()).fill();
    own.nowMs += MINUTE;
    await own.rotateKeys(0);
    await sealOne(own, "by the new one");
    assertFound(await own.verify(), []);
    const path = join(own.keyFolder, "key-1.pem");
    const old = await openFileSigner({ path, origin: own.origin, create: false });
    const forgery = new Forger(own);
    forgery.change(4, { checkpoint: await forgery.resigned(4, [old]) });
    assertFound(
      await own.verify(),
      ["unknown-key"],
      /^the checkpoint of commit 4 .* which is no key of this log at that/,
    );
    await assert.rejects(own.seal(), { code: "ERR_CHECKPOINT" });
    // Backdated into its time it holds by itself, and the witness has seen another.
    const backdate = (entry: string): string => edited(entry, { sealed_at: `${date}T13:36:30.000000Z` });
    const log = forgery.log();
    const backdated = log.with(4, (log[4] ?? []).map(backdate));
    await forgery.rebuild(backdated, [old]);
    const changed = backdated[4]?.map((_, at) => `seal-modified seals #${24 + at}`) ?? [];
    assertFound(await own.verify(), ["forked", ...changed]);
  });
});

/** A conversation that comes in, is sealed, and whose read is audited. */
async function sealOne(of: World, id: string): Promise<void> {
  await of.log("conversations", conversation(id));
  of.nowMs += 2 * MINUTE;
  await of.seal();
  await of.deliverAudit();
}

/** A commit's checkpoint with a stranger's signature under the name and the ID of the trusted key. */
async function forgedLine(number: number): Promise<string> {
  const [own] = await forger.signers();
  const stranger = await forger.resigned(number, [testSigner(world.origin, "stranger")]);
  const [text, line = ""] = stranger.split("\n\n");
  const signature = Buffer.from(line.trim().split(" ").at(-1) ?? "", "base64").subarray(4);
  const data = Buffer.concat([verifierKeyOf(own as Signer).keyId, signature]);
  return `${text}\n\n— ${world.origin} ${data.toString("base64")}\n`;
}
