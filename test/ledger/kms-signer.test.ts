import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { crc32c, crc32cBase64 } from "@indelible/ledger/crc32c.ts";
import { type KmsClient, openKmsSigner } from "@indelible/ledger/kms-signer.ts";
import { openNote, signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { CRC32C } from "@google-cloud/storage";
import { FakeKms, type PublicKey, type Signed } from "./fake-kms.ts";
import { testKey } from "./test-keys.ts";

const keyVersion = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
const origin = "log.example/test";
const key = testKey("kms");
const pem = createPublicKey(key).export({ format: "pem", type: "spki" }).toString();

const grpc = (code: number): Error => Object.assign(new Error(`code ${code}`), { code });
const wait = async (): Promise<void> => {};
const open = (client: KmsClient): ReturnType<typeof openKmsSigner> =>
  openKmsSigner({ keyVersion, origin, client, wait });

describe("a key of Cloud KMS", () => {
  it("signs notes", async () => {
    const signer = await open(new FakeKms(() => key));
    const opened = openNote(await signNote("text\n", [signer]), [verifierKeyOf(signer)]);
    assert.equal(opened.signedBy.length, 1);
  });

  it("takes checksums and signatures in each form that a client may give them", async () => {
    const kms = new FakeKms(() => key);
    kms.changeSigned = (answer) => ({
      ...answer,
      signature: Buffer.from(answer.signature as Uint8Array).toString("base64"),
      signatureCrc32c: { value: Number(answer.signatureCrc32c?.value) },
    });
    await (await open(kms)).sign(Buffer.from("text\n"));
  });

  it("is tried again a few times when Cloud KMS does not answer, and no more", async () => {
    const kms = new FakeKms(() => key);
    kms.failures.push(grpc(14), grpc(4), grpc(13));
    const signer = await open(kms);
    assert.equal(kms.calls, 4);
    kms.failures.push(...[14, 14, 8, 10].map(grpc));
    await assert.rejects(signer.sign(Buffer.from("a")), { code: "ERR_STORE", retryable: true });
    assert.equal(kms.calls, 8);
    await signer.sign(Buffer.from("a"));
  });

  it("is refused at once, with what to do, when it may not be used or is not there", async () => {
    for (const code of [3, 5, 7, 9, 16]) {
      const kms = new FakeKms(() => key);
      kms.failures.push(grpc(code));
      await assert.rejects(open(kms), { code: "ERR_KEY", retryable: false, hint: /roles\/cloudkms\.signer/ });
      assert.equal(kms.calls, 1);
    }
  });

  it("gives up when its deadline is over, though Cloud KMS never answers", async () => {
    const signer = await openKmsSigner({
      keyVersion,
      origin,
      deadlineMs: 20,
      client: Object.assign(new FakeKms(() => key), { asymmetricSign: () => new Promise<never>(() => {}) }),
    });
    await assert.rejects(signer.sign(Buffer.from("a")), { code: "ERR_DEADLINE", retryable: true });
  });

  it("tells the client how long it may take, and not to try again itself", async () => {
    const seen: object[] = [];
    const kms = new FakeKms(() => key);
    const client: KmsClient = {
      getPublicKey: (request, options) => (seen.push(options), kms.getPublicKey(request)),
      asymmetricSign: (request, options) => (seen.push(options), kms.asymmetricSign(request)),
    };
    await (await open(client)).sign(Buffer.from("a"));
    for (const options of seen as { timeout: number; retry: null }[]) {
      assert.equal(options.retry, null);
      assert.ok(options.timeout > 0 && options.timeout <= 10_000);
    }
    assert.equal(seen.length, 2);
  });

  const { publicKey: otherKey } = generateKeyPairSync("x25519");
  const x25519 = otherKey.export({ format: "pem", type: "spki" }).toString();
  const withPem = (text: string): Partial<PublicKey> => ({
    pem: text,
    pemCrc32c: { value: crc32c(Buffer.from(text)) },
  });
  const keyLies: { readonly [what: string]: Partial<PublicKey> } = {
    "the key of another name": { name: keyVersion.replace("/1", "/2") },
    "no name": { name: null },
    "another algorithm": { algorithm: "EC_SIGN_P256_SHA256" },
    "no algorithm": { algorithm: null },
    "no PEM": { pem: null },
    "a PEM without a checksum": { pemCrc32c: null },
    "a PEM with an empty checksum": { pemCrc32c: {} },
    "a PEM with another checksum": { pemCrc32c: { value: "1" } },
    "a PEM that is changed": { pem: `${pem}\n` },
    "a key of another kind": withPem(x25519),
    "text that is no key": withPem("text"),
  };
  for (const [what, lie] of Object.entries(keyLies)) {
    it(`is refused when Cloud KMS gives ${what}`, async () => {
      const kms = new FakeKms(() => key);
      kms.changeKey = (answer) => ({ ...answer, ...lie });
      await assert.rejects(open(kms), { code: "ERR_KEY" });
    });
  }

  const foreign = sign(null, Buffer.from("text\n"), testKey("other"));
  const checked = (signature: Uint8Array): Partial<Signed> => ({
    signature,
    signatureCrc32c: { value: crc32c(signature) },
  });
  const signLies: { readonly [what: string]: Partial<Signed> } = {
    "a signature of another name": { name: keyVersion.replace("/1", "/2") },
    "a signature of what it did not check": { verifiedDataCrc32c: false },
    "a signature without saying that it checked": { verifiedDataCrc32c: null },
    "no signature": { signature: null },
    "a signature without a checksum": { signatureCrc32c: null },
    "a signature with another checksum": { signatureCrc32c: { value: 1 } },
    "the signature of another key": checked(foreign),
    "the signature of another text": checked(sign(null, Buffer.from("other\n"), key)),
    "a signature that is too short": checked(Buffer.alloc(63)),
  };
  for (const [what, lie] of Object.entries(signLies)) {
    it(`does not sign when Cloud KMS gives ${what}, and does when that was an accident`, async () => {
      const kms = new FakeKms(() => key);
      const signer = await open(kms);
      kms.changeSigned = (answer) => ({ ...answer, ...lie });
      await assert.rejects(signer.sign(Buffer.from("text\n")), { code: "ERR_KEY", message: /does not hold/ });
      let isFirst = true;
      kms.changeSigned = (answer) => {
        const changed = isFirst ? { ...answer, ...lie } : answer;
        isFirst = false;
        return changed;
      };
      await signer.sign(Buffer.from("text\n"));
    });
  }

  it("is refused when its name is not that of a key version", async () => {
    for (const name of [
      "",
      "key",
      keyVersion.replace(/\/cryptoKeyVersions.*/, ""),
      `${keyVersion}/x`,
      `/${keyVersion}`,
    ]) {
      const kms = new FakeKms(() => key);
      await assert.rejects(openKmsSigner({ keyVersion: name, origin, client: kms, wait }), { code: "ERR_KEY" });
      assert.equal(kms.calls, 0);
    }
  });
});

describe("crc32c()", () => {
  it("has the values of RFC 3720", () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  });

  it("is what Google's client computes", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        const theirs = new CRC32C();
        theirs.update(Buffer.from(data));
        assert.equal(crc32cBase64(data), theirs.toString());
      }),
    );
  });
});
