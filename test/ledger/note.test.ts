import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { verifies } from "@indelible/ledger/ed25519.ts";
import {
  formatVerifierKey,
  openNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
  type VerifierKey,
} from "@indelible/ledger/note.ts";
import type { Signer } from "@indelible/ledger/signer.ts";
import { testKey, testSigner } from "./test-keys.ts";

/** Of Go's golang.org/x/mod/sumdb/note, whose test publishes the seed. */
const peter = {
  vkey: "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
  seed: Buffer.from("gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=", "base64"),
};
const goText = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterLine =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const enoch = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const enochLine =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const text = "log.example/test\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const one = testSigner("log.example/test", "one");
const two = testSigner("log.example/test", "two");
const keyOne = verifierKeyOf(one);
const keyTwo = verifierKeyOf(two);
const names = (keys: readonly Pick<VerifierKey, "name" | "keyId">[]): string[] =>
  keys.map(({ name, keyId }) => `${name}+${keyId.toString("hex")}`);

describe("a signed note", () => {
  it("is the one that Go's note package signs, and opens like it", async () => {
    const keys = [parseVerifierKey(peter.vkey), parseVerifierKey(enoch)];
    const opened = openNote(`${goText}\n${peterLine}${enochLine}`, keys);
    assert.deepEqual(opened, { text: goText, signedBy: keys, bad: [], unknown: [] });
    const known = openNote(`${goText}\n${peterLine}${enochLine}`, keys.slice(0, 1));
    assert.deepEqual(
      [names(known.signedBy), names(known.unknown)],
      [["PeterNeumann+c74f20a3"], ["EnochRoot+af0cfe78"]],
    );
    assert.equal(await signNote(goText, [testSigner("PeterNeumann", "", peter.seed)]), `${goText}\n${peterLine}`);
    for (const key of [peter.vkey, enoch]) assert.equal(formatVerifierKey(parseVerifierKey(key)), key);
  });

  it("has the bytes that the specification gives it, made here without the code that is tested", async () => {
    const raw = createPublicKey(testKey("one")).export({ format: "jwk" }).x ?? "";
    const publicKey = Buffer.from(raw, "base64url");
    const id = createHash("sha256").update("log.example/test").update(Buffer.of(0x0a, 0x01)).update(publicKey).digest();
    const note = await signNote(text, [one]);
    const [body, line] = note.split("\n\n");
    assert.equal(`${body}\n`, text);
    const match = /^— log\.example\/test ([A-Za-z0-9+/]+=*)\n$/.exec(line ?? "");
    const data = Buffer.from(match?.[1] ?? "", "base64");
    assert.deepEqual(data.subarray(0, 4), id.subarray(0, 4));
    assert.ok(verify(null, Buffer.from(text), createPublicKey(testKey("one")), data.subarray(4)));
    assert.equal(
      formatVerifierKey(keyOne),
      `log.example/test+${id.toString("hex", 0, 4)}+${Buffer.concat([Buffer.of(1), publicKey]).toString("base64")}`,
    );
    assert.equal(note, await signNote(text, [one]), "Ed25519 is deterministic");
  });

  it("says of each given key whether it signed, whatever stands beside it", async () => {
    const note = await signNote(text, [one, two]);
    assert.deepEqual(names(openNote(note, [keyOne, keyTwo]).signedBy), names([keyOne, keyTwo]));
    const opened = openNote(note, [keyTwo]);
    assert.deepEqual([names(opened.signedBy), names(opened.unknown)], [names([keyTwo]), names([keyOne])]);
    assert.deepEqual(openNote(note, []).signedBy, []);
  });

  it("may have empty lines in its text: the last one ends it", async () => {
    for (const odd of ["\n", "\n\n", "a\n\nb\n", "a\n\n", "— log.example/test AAAAAAAA\n\n", "\u{1f512} è\n"]) {
      const opened = openNote(await signNote(odd, [one]), [keyOne]);
      assert.equal(opened.text, odd);
      assert.equal(opened.signedBy.length, 1);
    }
  });

  it("counts a key once however often its line stands there, and not at all when one of them is wrong", async () => {
    const note = await signNote(text, [one]);
    const line = note.slice(note.indexOf("—"));
    assert.deepEqual(names(openNote(note + line, [keyOne]).signedBy), names([keyOne]));
    assert.deepEqual(names(openNote(note + line, []).unknown), names([keyOne]));
    const other = (await signNote(`${text}x\n`, [one])).slice(note.length - line.length + 2);
    for (const both of [note + other, note.replace(line, other + line)]) {
      const opened = openNote(both, [keyOne]);
      assert.deepEqual([opened.signedBy, names(opened.bad)], [[], names([keyOne])]);
    }
  });

  it("takes a key whose ID collides for bad, not for the other", async () => {
    const collides: VerifierKey = { ...keyTwo, keyId: keyOne.keyId };
    const note = await signNote(text, [one]);
    assert.deepEqual(openNote(note, [collides]), { text, signedBy: [], bad: [collides], unknown: [] });
    assert.throws(() => openNote(note, [keyOne, collides]), { code: "ERR_KEY", message: /same name and ID/ });
  });

  it("takes a signature of another length by a known key for bad", async () => {
    for (const length of [1, 63, 65, 100]) {
      const data = Buffer.concat([keyOne.keyId, Buffer.alloc(length)]).toString("base64");
      assert.equal(openNote(`${text}\n— ${one.name} ${data}\n`, [keyOne]).bad.length, 1);
    }
  });
});

describe("a hostile note", async () => {
  const note = await signNote(text, [one]);
  const line = note.slice(text.length + 1);
  const data = line.trim().split(" ").at(-1) ?? "";
  const malformed: { readonly [what: string]: string } = {
    "nothing at all": "",
    "an empty text": `\n${line}`,
    "no empty line": text + line,
    "no signature": `${text}\n`,
    "no signature, and no newline": text,
    "text behind the signatures": `${note}text\n`,
    "an empty line behind the signatures": `${note}\n`,
    "no newline at the end": note.slice(0, -1),
    "lines that are swapped": line + text,
    "signature and text that are swapped": `${line}\n${text}`,
    "a line of another dash": note.replace("—", "-"),
    "two spaces": note.replace("— ", "—  "),
    "a space at the end": `${note.slice(0, -1)} \n`,
    "a name with a plus": note.replace(`— ${one.name}`, "— log+example"),
    "a name with a no-break space": note.replace(`— ${one.name}`, "— log\u00a0example"),
    "no name": `${text}\n—  ${data}\n`,
    "base64 without padding": note.replace(data, data.replaceAll("=", "")),
    "base64 with bits that stand for nothing": note.replace(data, data.replace(/.==$/, "B==").replace(/.=$/, "B=")),
    "base64 of the URL alphabet": note.replace(data, data.replaceAll("+", "-").replaceAll("/", "_").replace(/^./, "_")),
    "base64 of a key ID only": note.replace(data, keyOne.keyId.toString("base64")),
    "carriage returns": note.replaceAll("\n", "\r\n"),
    "a tab in the text": `\t${note}`,
    "a zero byte in a name": note.replace(`— ${one.name}`, "— log\0example"),
    "half of a surrogate pair": `\ud800${note}`,
    "101 signatures": note + line.repeat(100),
    "more than a megabyte": "x".repeat(1_000_000) + note,
  };
  for (const [what, hostile] of Object.entries(malformed)) {
    it(`is refused: ${what}`, () => {
      assert.notEqual(hostile, note);
      assert.throws(() => openNote(hostile, [keyOne]), { code: "ERR_CHECKPOINT", message: /no signed note/ });
    });
  }

  it("is of an unknown signer when it bears another name, or another key ID", () => {
    const renamed = openNote(note.replace(`— ${one.name}`, "— other.example"), [keyOne]);
    assert.deepEqual([renamed.signedBy, renamed.bad, renamed.unknown[0]?.name], [[], [], "other.example"]);
    assert.equal(openNote(note, [keyTwo]).unknown.length, 1);
  });

  it("takes 100 signatures", () => {
    assert.equal(openNote(note + line.repeat(99), [keyOne]).signedBy.length, 1);
  });

  it("is never signed by a key when one byte of it is another", () => {
    const bytes = Buffer.from(note);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ difference;
        try {
          assert.deepEqual(openNote(changed.toString(), [keyOne]).signedBy, []);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "ERR_CHECKPOINT");
        }
      }),
    );
  });
});

describe("signNote()", () => {
  it("gives what openNote() reads, for every text that a note can have", async () => {
    const line = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll(/\p{Cc}/gu, ""));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1 }), async (lines) => {
        const any = `${lines.join("\n")}\n`;
        assert.deepEqual(openNote(await signNote(any, [two, one]), [keyOne, keyTwo]), {
          text: any,
          signedBy: [keyOne, keyTwo],
          bad: [],
          unknown: [],
        });
      }),
    );
  });

  it("refuses a text that a note cannot have", async () => {
    for (const bad of ["", "no newline", "\t\n", "\ud800\n", "\r\n", `${"x".repeat(1_000_000)}\n`]) {
      await assert.rejects(signNote(bad, [one]), { code: "ERR_CHECKPOINT" }, JSON.stringify(bad.slice(0, 20)));
    }
  });

  it("refuses no signer, the same signer twice, bad names, and a signer that signs wrongly", async () => {
    const liar: Signer = { ...one, sign: two.sign };
    const short: Signer = { ...one, sign: async () => Buffer.alloc(63) };
    const spaced: Signer = { ...one, name: "a b" };
    for (const signers of [
      [],
      [one, one],
      [liar],
      [short],
      [spaced],
      [{ ...one, name: "" }],
      [{ ...one, name: "a+b" }],
    ]) {
      await assert.rejects(signNote(text, signers), { code: "ERR_KEY" });
    }
  });
});

describe("a verifier key", () => {
  it("is refused in every mangled form", () => {
    for (let from = 0; from <= peter.vkey.length; from += 1) {
      for (let until = from + 1; until <= peter.vkey.length; until += 1) {
        if (from > 0 || until < peter.vkey.length) {
          assert.throws(() => parseVerifierKey(peter.vkey.slice(from, until)), { code: "ERR_KEY" });
        }
      }
    }
    for (let at = 0; at < peter.vkey.length; at += 1) {
      const next = String.fromCharCode(peter.vkey.charCodeAt(at) + 1);
      assert.throws(() => parseVerifierKey(peter.vkey.slice(0, at) + next + peter.vkey.slice(at + 1)), {
        code: "ERR_KEY",
      });
    }
    for (const bad of [
      "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
      "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
      `${peter.vkey}\n`,
      peter.vkey.toUpperCase(),
    ]) {
      assert.throws(() => parseVerifierKey(bad), { code: "ERR_KEY" });
    }
  });

  it("is refused when it is of small order or not canonical, because one signature then fits every text", () => {
    // The point of order 1 as key and as R, and S = 0: the equation that is verified then holds for every text.
    const identity = Buffer.from("0100000000000000000000000000000000000000000000000000000000000000", "hex");
    assert.ok(!verifies(identity, Buffer.from("any text"), Buffer.concat([identity, Buffer.alloc(32)])));
    assert.throws(() => verifierKeyOf({ name: "log", publicKey: identity }), { code: "ERR_KEY" });
    for (const hex of [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000080",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ]) {
      assert.throws(() => verifierKeyOf({ name: "log", publicKey: Buffer.from(hex, "hex") }), { code: "ERR_KEY" }, hex);
    }
  });

  it("does not take a signature whose S is not below the order of the group", async () => {
    const message = Buffer.from(text);
    const signature = Buffer.from(await one.sign(message));
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString("hex")}`) + order;
    const second = Buffer.from(s.toString(16).padStart(64, "0"), "hex").toReversed();
    assert.ok(verifies(one.publicKey, message, signature));
    assert.ok(!verifies(one.publicKey, message, Buffer.concat([signature.subarray(0, 32), second])));
  });
});
