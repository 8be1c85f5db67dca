/** Writes the vectors of SPEC.md, section 9: `node test/ledger/vectors/make.ts`. What they are must not change. */
import { writeFileSync } from "node:fs";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import { formatVerifierKey, signNote, verifierKeyOf } from "@indelible/ledger/note.ts";
import { verifyProof, type Proof } from "@indelible/ledger/proof.ts";
import { keyText, origin, ProofWorld, signer } from "../proof-world.ts";
import { testSigner } from "../test-keys.ts";

const world = await ProofWorld.make();
const proof = await world.prove(5);
const other = await world.prove(9);

function jsonWith(text: string, change: { readonly [member: string]: unknown }): string {
  return canonicalize({ ...(JSON.parse(text) as object), ...change });
}
const hash = proof.leaf_proof[0] as string;
const [body = "", signature = ""] = proof.checkpoint.split("\n\n");
const forger = testSigner(origin, "forger");
const otherLog = testSigner("indelible/other/agent_logs_raw", "other log");
const changedEntry = jsonWith(proof.entry, { agent_position: "CEO" });
const changedLeaf = jsonWith(proof.leaf, { entry_hash: entryHash(changedEntry) });

const changes: readonly (readonly [name: string, change: { readonly [M in keyof Proof]?: unknown }])[] = [
  ["another format", { format: "indelible-proof/2" }],
  ["a member less", { leaf: undefined }],
  ["a changed entry", { entry: changedEntry }],
  ["a changed entry, with its hash in the leaf", { entry: changedEntry, leaf: changedLeaf }],
  ["the entry of another row", { entry: other.entry }],
  ["a leaf that is not canonical", { leaf: proof.leaf.replace(",", ", ") }],
  ["another table", { leaf: jsonWith(proof.leaf, { table: "thinking_logs" }) }],
  ["another message", { leaf: jsonWith(proof.leaf, { message_id: "18" }) }],
  ["a backdated row", { leaf: proof.leaf.replace(/"ingested_at":\d+/, '"ingested_at":1770000000000000') }],
  ["another position", { leaf_index: proof.leaf_index + 1 }],
  ["a position beyond the window", { leaf_index: 7 }],
  ["a negative position", { leaf_index: -1 }],
  ["a hash more", { leaf_proof: [...proof.leaf_proof, hash] }],
  ["a hash less", { leaf_proof: proof.leaf_proof.slice(1) }],
  ["no hashes", { leaf_proof: [] }],
  ["hashes in another order", { leaf_proof: proof.leaf_proof.toReversed() }],
  ["a hash that is too short", { leaf_proof: [hash.slice(0, 20), ...proof.leaf_proof.slice(1)] }],
  ["the seal of another window", { seal: other.seal }],
  ["a seal with another root", { seal: jsonWith(proof.seal, { root_hash: "0".repeat(64) }) }],
  ["a seal with another number of rows", { seal: jsonWith(proof.seal, { row_count: 8 }) }],
  ["a seal of no rows", { seal: jsonWith(proof.seal, { row_count: 0 }) }],
  ["a seal at another position", { seal: jsonWith(proof.seal, { log_index: 0 }) }],
  ["a seal at a position beyond the log", { seal: jsonWith(proof.seal, { log_index: 99 }) }],
  ["a seal with another time", { seal: jsonWith(proof.seal, { sealed_at: "2026-06-01T12:03:00.000000Z" }) }],
  ["a hash more in the log", { seal_proof: [...proof.seal_proof, hash] }],
  ["another hash in the log", { seal_proof: [hash, ...proof.seal_proof.slice(1)] }],
  ["another checkpoint of the log", { checkpoint: other.checkpoint }],
  ["a changed checkpoint", { checkpoint: `${body.replace("\n2\n", "\n3\n")}\n\n${signature}` }],
  ["no signature", { checkpoint: `${body}\n\n` }],
  ["the signature of a key that is not trusted", { checkpoint: await signNote(`${body}\n`, [forger]) }],
  [
    "a checkpoint of another log",
    { checkpoint: await signNote(`${body.replace(origin, otherLog.name)}\n`, [otherLog]) },
  ],
  [
    "a trusted key under another log's checkpoint",
    { checkpoint: await signNote(`${body.replace(origin, otherLog.name)}\n`, [signer]) },
  ],
];

const refused = changes.map(([name, change]) => {
  const changed = JSON.parse(JSON.stringify({ ...proof, ...change })) as object;
  try {
    verifyProof(JSON.stringify(changed), world.keys);
  } catch (error) {
    return { name, step: (error as Error).message, proof: changed };
  }
  throw new Error(`${name}: it is not refused`);
});

const folder = new URL("./", import.meta.url);
const write = (name: string, value: unknown): void =>
  writeFileSync(new URL(name, folder), `${JSON.stringify(value, undefined, 2)}\n`);
writeFileSync(new URL("keys.json", folder), `${keyText}\n`);
write("proof.json", proof);
write("refused.json", refused);
const commits = [...world.store.objects].filter(([name]) => name.startsWith("commits/"));
write(
  "log.json",
  commits.map(([, data]) => JSON.parse(data.toString()) as unknown),
);
process.stdout.write(`${refused.length} refused, key ${formatVerifierKey(verifierKeyOf(signer))}\n`);
