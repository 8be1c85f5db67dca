import assert from "node:assert/strict";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { keysAt, parseKeyList } from "@indelible/ledger/key-list.ts";
import { openLocalKeys, rotateLocalKeys } from "@indelible/ledger/local-keys.ts";
import { openNote, signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { testKey } from "./test-keys.ts";

const origin = "log.example/test";
const now = BigInt(Date.UTC(2026, 0, 1)) * 1000n;
const hour = 3_600_000_000n;
const minute = 60_000_000n;
const hourMs = 3_600_000;

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "indelible-keys-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "keys");
}

describe("the keys of one machine", () => {
  it("are made on first use, and are the same afterwards", async (context) => {
    const folder = temporaryFolder(context);
    const { list, signers } = await openLocalKeys(folder, origin, now);
    assert.equal(signers.length, 1);
    assert.deepEqual(list, {
      origin,
      keys: [{ key: verifierKeyOf(signers[0]!), from: now - minute, until: undefined }],
    });
    assert.deepEqual((await openLocalKeys(folder, origin, now + hour)).list, list);
    assert.deepEqual(readdirSync(folder).toSorted(), ["key-1.pem", "keys.json"]);
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  });

  it("are the same for all who make them at once", async (context) => {
    const folder = temporaryFolder(context);
    const opened = await Promise.all(
      Array.from({ length: 8 }, (_, index) => openLocalKeys(folder, origin, now - BigInt(index) * 1000n)),
    );
    const stored = parseKeyList(readFileSync(join(folder, "keys.json"), "utf8"));
    for (const { list } of opened) assert.deepEqual(list, stored);
  });

  it("are both used during the overlap of a rotation, and the new one alone afterwards", async (context) => {
    const folder = temporaryFolder(context);
    const old = await openLocalKeys(folder, origin, now);
    const rotated = await rotateLocalKeys(folder, now + hour, 2 * hourMs);
    assert.equal(rotated.signers.length, 2);
    const note = await signNote("text\n", (await openLocalKeys(folder, origin, now + 2n * hour)).signers);
    assert.equal(openNote(note, keysAt(old.list, now + 2n * hour)).signedBy.length, 1, "the old list still verifies");
    assert.equal(openNote(note, keysAt(rotated.list, now + 2n * hour)).signedBy.length, 2);
    rmSync(join(folder, "key-1.pem"));
    const after = await openLocalKeys(folder, origin, now + 3n * hour);
    assert.deepEqual(after.signers.map(verifierKeyOf), [rotated.list.keys[1]?.key]);
    assert.equal((await rotateLocalKeys(folder, now + 4n * hour, 0)).list.keys.length, 3);
  });

  it("are rotated once when the rotation is repeated after a crash before the list was replaced", async (context) => {
    const folder = temporaryFolder(context);
    await openLocalKeys(folder, origin, now);
    const before = readFileSync(join(folder, "keys.json"));
    const first = await rotateLocalKeys(folder, now + hour, hourMs);
    writeFileSync(join(folder, "keys.json"), before);
    writeFileSync(join(folder, "~1-torn"), "{");
    assert.equal((await openLocalKeys(folder, origin, now + hour)).signers.length, 1);
    const again = await rotateLocalKeys(folder, now + hour, hourMs);
    assert.deepEqual(again.list, first.list);
  });

  it("are completed after a crash between the first key and the list", async (context) => {
    const folder = temporaryFolder(context);
    const { list } = await openLocalKeys(folder, origin, now);
    rmSync(join(folder, "keys.json"));
    assert.deepEqual((await openLocalKeys(folder, origin, now)).list, list);
  });

  it("are refused when the list is lost after a rotation, rather than made anew", async (context) => {
    const folder = temporaryFolder(context);
    await openLocalKeys(folder, origin, now);
    await rotateLocalKeys(folder, now + hour, 0);
    rmSync(join(folder, "keys.json"));
    await assert.rejects(openLocalKeys(folder, origin, now + hour), { code: "ERR_KEY", message: /no keys\.json/ });
  });

  it("are refused without a list beside a key that cannot be read or is no longer the second, and none is made", async (context) => {
    const unreadable = temporaryFolder(context);
    mkdirSync(join(unreadable, "key-2.pem"), { recursive: true });
    const third = temporaryFolder(context);
    mkdirSync(third);
    writeFileSync(join(third, "key-3.pem"), "");
    for (const folder of [unreadable, third]) {
      await assert.rejects(openLocalKeys(folder, origin, now), { code: "ERR_KEY", message: /several keys/ });
      assert.equal(readdirSync(folder).length, 1);
    }
  });

  it("are refused when a file has another key than the list names, is missing, or none is valid", async (context) => {
    const folder = temporaryFolder(context);
    await openLocalKeys(folder, origin, now);
    await assert.rejects(openLocalKeys(folder, origin, now - minute - 1n), { code: "ERR_KEY", message: /valid now/ });
    await assert.rejects(openLocalKeys(folder, "other.example", now), { code: "ERR_KEY", message: /not of other/ });
    renameSync(join(folder, "key-1.pem"), join(folder, "elsewhere.pem"));
    await assert.rejects(openLocalKeys(folder, origin, now), { code: "ERR_KEY", message: /no such file/ });
    const other = testKey("other").export({ format: "pem", type: "pkcs8" });
    writeFileSync(join(folder, "key-1.pem"), other, { mode: 0o600 });
    await assert.rejects(openLocalKeys(folder, origin, now), { code: "ERR_KEY", message: /is not the key/ });
  });

  it("cannot be rotated before there are any", async (context) => {
    await assert.rejects(rotateLocalKeys(temporaryFolder(context), now, 0), {
      code: "ERR_KEY",
      message: /nothing to rotate/,
    });
  });
});
