import assert from "node:assert/strict";
import { createHash, createPublicKey, verify as verifySignature } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { leavesName } from "@indelible/ledger/leaves.ts";
import { parseKeyList } from "@indelible/ledger/key-list.ts";
import { verifyProof, type Proof } from "@indelible/ledger/proof.ts";
import { prove } from "@indelible/ledger/prove.ts";
import { logIdOf, ProofWorld } from "./proof-world.ts";

const read = (name: string): string => readFileSync(new URL(`./vectors/${name}`, import.meta.url), "utf8");
const keys = parseKeyList(read("keys.json"));
const refused = JSON.parse(read("refused.json")) as { name: string; step: string; proof: object }[];

describe("the vectors of SPEC.md", () => {
  it("have a proof that holds", () => {
    const { row, seal, checkpoint } = verifyProof(read("proof.json"), keys);
    assert.deepEqual([row.table, row.logId], ["conversations", logIdOf(5)]);
    assert.deepEqual([seal.rowCount, seal.logIndex, checkpoint.size], [7, 1n, 2n]);
  });

  for (const { name, step, proof } of refused) {
    it(`refuse ${name}`, () => {
      assert.throws(() => verifyProof(JSON.stringify(proof), keys), { code: "ERR_PROOF", message: step });
    });
  }

  it("are what a small verifier finds that was written from SPEC.md alone", () => {
    assert.ok(holds(JSON.parse(read("proof.json")) as Proof));
    // It knows one key and no validity, and so takes no notice of what only a list of keys can tell.
    for (const { name, proof } of refused) {
      if (name !== "a leaf that is not canonical") assert.ok(!holds(proof as Proof), name);
    }
  });

  it("are what is made of the same log today", async () => {
    const world = await ProofWorld.make();
    assert.deepEqual(await world.prove(5), JSON.parse(read("proof.json")));
    const commits = [...world.store.objects].filter(([name]) => name.startsWith("commits/"));
    assert.deepEqual(
      commits.map(([, data]) => JSON.parse(data.toString()) as unknown),
      JSON.parse(read("log.json")),
    );
  });
});

/** SPEC.md, section 9, with nothing of the product but the key. */
function holds(proof: Proof): boolean {
  try {
    const sha256 = (...parts: (string | Buffer)[]): Buffer => {
      const hash = createHash("sha256");
      for (const part of parts) hash.update(part);
      return hash.digest();
    };
    /** RFC 6962, 2.1.1, read from the leaf upwards: how many nodes each level has decides where a hash stands. */
    const climb = (leaf: Buffer, at: number, count: number, hashes: readonly string[]): Buffer => {
      let [node, index, width] = [leaf, at, count];
      const rest = hashes.map((text) => Buffer.from(text, "base64"));
      if (!(at >= 0 && at < count)) throw new Error("beyond the tree");
      for (; width > 1; index = index >> 1, width = (width + 1) >> 1) {
        if (index % 2 === 1) node = sha256("\x01", rest.shift() as Buffer, node);
        else if (index + 1 < width) node = sha256("\x01", node, rest.shift() as Buffer);
      }
      if (rest.length > 0) throw new Error("a hash too many");
      return node;
    };
    const row = JSON.parse(proof.leaf) as { [member: string]: string | number };
    const seal = JSON.parse(proof.seal) as { [member: string]: string | number };
    const entry = JSON.parse(proof.entry) as { log_id: string };
    const [body = "", signatures = ""] = proof.checkpoint.split("\n\n");
    const [origin, size, root] = body.split("\n");
    const [, name, signature = ""] = /^— (\S+) (\S+)\n$/.exec(signatures) ?? [];
    const raw = Buffer.from(keys.keys[0]?.key.publicKey ?? []);
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
    const time = (text: string | number | undefined): number => Date.parse(String(text)) * 1000;
    return (
      proof.format === "indelible-proof/1" &&
      sha256(proof.entry).toString("hex") === row["entry_hash"] &&
      entry.log_id === row["log_id"] &&
      seal["table_name"] === row["table"] &&
      time(seal["window_start"]) <= Number(row["ingested_at"]) &&
      Number(row["ingested_at"]) < time(seal["window_end"]) &&
      climb(sha256("\0", proof.leaf), proof.leaf_index, Number(seal["row_count"]), proof.leaf_proof).toString("hex") ===
        seal["root_hash"] &&
      name === keys.origin &&
      origin === keys.origin &&
      verifySignature(null, Buffer.from(`${body}\n`), key, Buffer.from(signature, "base64").subarray(4)) &&
      climb(sha256("\0", proof.seal), Number(seal["log_index"]), Number(size), proof.seal_proof).toString("base64") ===
        root
    );
  } catch {
    return false;
  }
}

describe("prove()", () => {
  it("proves every row of every window", async () => {
    const world = await ProofWorld.make();
    for (let number = 0; number < 11; number += 1) {
      const { row } = verifyProof(JSON.stringify(await world.prove(number)), world.keys);
      assert.equal(row.logId, logIdOf(number));
    }
  });

  it("passes over rows in the table of seals that are no seal", async () => {
    const world = await ProofWorld.make();
    const { lookup, store, keys } = world;
    const malformed = [
      "",
      "{}",
      "[",
      JSON.stringify({
        ...JSON.parse(String((await lookup.seals("conversations", 1_780_315_200_005_000n))[0])),
        root_hash: "x",
      }),
    ];
    const seals: typeof lookup.seals = async (table, at) => [...malformed, ...(await lookup.seals(table, at))];
    assert.deepEqual(await prove(logIdOf(5), { lookup: { ...lookup, seals }, store, keys }), await world.prove(5));
  });

  it("of several rows with one log_id proves the one that was published first", async () => {
    const world = await ProofWorld.make();
    const row = world.warehouse.rows("conversations").find(({ message_id: id }) => id === "5") ?? {};
    world.warehouse.rows("conversations").unshift({ ...row, published_at: (row["published_at"] as bigint) + 1n });
    assert.deepEqual(await world.prove(5), JSON.parse(read("proof.json")));
  });

  it("says that a row is not sealed yet, was changed, or does not exist", async () => {
    const world = await ProofWorld.make();
    world.warehouse.log(50, 1_790_000_000_000_000n);
    await assert.rejects(world.prove(50), { code: "ERR_PROOF", message: /not sealed yet/ });
    await assert.rejects(world.prove(51), { code: "ERR_NOT_FOUND" });
    const row = world.warehouse.rows("conversations").find(({ message_id: id }) => id === "3");
    if (row !== undefined) row["message_id"] = "other";
    await assert.rejects(world.prove(3), { code: "ERR_PROOF", message: /not among those that were sealed/ });
  });

  it("says that the list of leaves is missing or damaged", async () => {
    const world = await ProofWorld.make();
    const name = leavesName(verifyProof(read("proof.json"), keys).seal.rootHash);
    world.store.objects.set(name, Buffer.from("damaged"));
    await assert.rejects(world.prove(5), { code: "ERR_PROOF", message: /no list of leaves/ });
    world.store.objects.delete(name);
    await assert.rejects(world.prove(5), { code: "ERR_PROOF", message: /no list of leaves/ });
  });
});

describe("verifyProof()", () => {
  it("without a list of keys goes by the proof's own, which is for the reader to compare", () => {
    const { signedBy } = verifyProof(read("proof.json"), undefined);
    assert.deepEqual([signedBy], (JSON.parse(read("proof.json")) as Proof).keys);
    const forged = { ...(JSON.parse(read("proof.json")) as Proof), keys: [] };
    assert.throws(() => verifyProof(JSON.stringify(forged), undefined), { code: "ERR_PROOF" });
  });

  it("refuses what is no proof", () => {
    for (const text of ["", "null", "[]", "7", "{}", '{"format":"indelible-proof/1"}', "\u0000"]) {
      assert.throws(() => verifyProof(text, keys), { code: "ERR_PROOF" }, text);
    }
  });

  it("refuses a key after its time", () => {
    const list = JSON.parse(read("keys.json")) as { keys: { until?: string }[] };
    if (list.keys[0] !== undefined) list.keys[0].until = "2026-05-01T00:00:00Z";
    assert.throws(() => verifyProof(read("proof.json"), parseKeyList(JSON.stringify(list))), {
      code: "ERR_PROOF",
      message: /not signed by a key that is trusted/,
    });
  });
});
