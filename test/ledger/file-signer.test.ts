import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { inspect } from "node:util";
import { openFileSigner } from "@indelible/ledger/file-signer.ts";
import { openNote, signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { testKey } from "./test-keys.ts";

const origin = "log.example/test";

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "indelible-signer-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const pemOf = (label: string): string => testKey(label).export({ format: "pem", type: "pkcs8" }).toString();

describe("a key in a file", () => {
  it("is made once, for its owner only, and is the same the next time", async (context) => {
    const path = join(temporaryFolder(context), "new", "keys", "key.pem");
    const signer = await openFileSigner({ path, origin, create: true });
    const again = await openFileSigner({ path, origin, create: true });
    assert.deepEqual(again.publicKey, signer.publicKey);
    assert.deepEqual((await openFileSigner({ path, origin, create: false })).publicKey, signer.publicKey);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
    assert.match(readFileSync(path, "utf8"), /^-----BEGIN PRIVATE KEY-----\n/);
    const note = await signNote("text\n", [signer]);
    assert.equal(openNote(note, [verifierKeyOf(again)]).signedBy.length, 1);
  });

  it("is one key when several make it at once", async (context) => {
    const path = join(temporaryFolder(context), "keys", "key.pem");
    const signers = await Promise.all(Array.from({ length: 8 }, () => openFileSigner({ path, origin, create: true })));
    assert.equal(new Set(signers.map(({ publicKey }) => Buffer.from(publicKey).toString("hex"))).size, 1);
  });

  it("is not made unless that is asked for", async (context) => {
    const path = join(temporaryFolder(context), "key.pem");
    await assert.rejects(openFileSigner({ path, origin, create: false }), { code: "ERR_KEY", message: /no such file/ });
  });

  it("is refused when others than its owner may read it, with the command that mends it", async (context) => {
    const path = join(temporaryFolder(context), "key.pem");
    writeFileSync(path, pemOf("a"), { mode: 0o600 });
    for (const mode of [0o640, 0o604, 0o620, 0o644, 0o677]) {
      chmodSync(path, mode);
      await assert.rejects(openFileSigner({ path, origin, create: true }), (error: IndelibleError) => {
        assert.equal(error.code, "ERR_KEY");
        assert.match(error.message, new RegExp(`mode 0${mode.toString(8)}`));
        assert.ok(error.hint.includes(`chmod 600 ${path}`));
        return true;
      });
    }
    for (const mode of [0o600, 0o400]) {
      chmodSync(path, mode);
      await openFileSigner({ path, origin, create: true });
    }
  });

  it("is refused when it is not a regular file, without waiting for one", async (context) => {
    const folder = temporaryFolder(context);
    const real = join(folder, "real.pem");
    writeFileSync(real, pemOf("a"), { mode: 0o600 });
    symlinkSync(real, join(folder, "link.pem"));
    mkdirSync(join(folder, "folder.pem"), { mode: 0o700 });
    execFileSync("mkfifo", ["-m", "600", join(folder, "pipe.pem")]);
    for (const name of ["link.pem", "folder.pem", "pipe.pem"]) {
      const path = join(folder, name);
      await assert.rejects(
        openFileSigner({ path, origin, create: true }),
        { code: "ERR_KEY", message: /not a regular file/ },
        name,
      );
    }
  });

  it("is refused when it is no Ed25519 key", async (context) => {
    const path = join(temporaryFolder(context), "key.pem");
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" });
    const x = generateKeyPairSync("x25519").privateKey.export({ format: "pem", type: "pkcs8" });
    const locked = testKey("a").export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "test" });
    for (const text of [ec, x, locked, "", "text", pemOf("a").slice(0, 60), "x".repeat(20_000)]) {
      writeFileSync(path, text, { mode: 0o600 });
      await assert.rejects(openFileSigner({ path, origin, create: true }), { code: "ERR_KEY" });
      assert.equal(readFileSync(path, "utf8"), String(text), "what is there is never replaced");
    }
  });

  it("is refused for a log that cannot be named in a note", async (context) => {
    const path = join(temporaryFolder(context), "key.pem");
    await assert.rejects(openFileSigner({ path, origin: "a b", create: true }), { code: "ERR_KEY" });
  });

  it("is shown neither by the signer nor by an error", async (context) => {
    const path = join(temporaryFolder(context), "key.pem");
    const pem = pemOf("a");
    writeFileSync(path, pem, { mode: 0o600 });
    const signer = await openFileSigner({ path, origin, create: false });
    const body = pem.split("\n")[1] ?? "";
    const seed = Buffer.from(body, "base64").subarray(-32);
    const shown = [inspect(signer, { depth: 9, showHidden: true }), JSON.stringify(signer)];
    writeFileSync(path, pem.replace("-----END", "----END"));
    const error: unknown = await openFileSigner({ path, origin, create: false }).catch((cause: unknown) => cause);
    assert.ok(IndelibleError.is(error));
    for (const text of [...shown, inspect(error, { depth: 9, showHidden: true })]) {
      for (const secret of [body, seed.toString("hex"), seed.toString("base64url"), body.slice(-20)]) {
        assert.ok(!text.includes(secret));
      }
    }
  });
});
