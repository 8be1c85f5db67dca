/** What seals are made with and kept in: the signing key, the bucket of checkpoints, and the list of public keys. */
import { createPublicKey } from "node:crypto";
import { CryptoKey, getKMSCryptoKeyVersionOutput, KeyRing } from "@pulumi/gcp/kms/index.js";
import { Bucket } from "@pulumi/gcp/storage/index.js";
import { all, output, type Output } from "@pulumi/pulumi";
import { rawPublicKey } from "@indelible/ledger/ed25519.ts";
import { serializeKeyList, type TrustedKey } from "@indelible/ledger/key-list.ts";
import { defaultOrigin } from "@indelible/ledger/origin.ts";
import { parseVerifierKey, verifierKeyOf, type VerifierKey } from "@indelible/ledger/verifier-key.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseTimestamp } from "@indelible/schemas/timestamp.ts";
import type { SigningKey } from "./settings.ts";
import type { Stack } from "./stack.ts";

export interface Ledger {
  readonly key: CryptoKey;
  readonly checkpoints: Bucket;
  /** Address of the store of seals, as `gs://bucket`. */
  readonly store: Output<string>;
  /** Full names of the versions of the key. */
  readonly keyVersions: Output<readonly string[]>;
  /** Text of `keys.json`. */
  readonly keyList: Output<string>;
}

const DAY_SECONDS = 86_400;
/** The longest that Cloud KMS allows: a version that somebody destroys can be restored for so long. */
const DESTROYED_AFTER_DAYS = 120;
/** The longest that Cloud Storage allows. Matters only where the retention policy is not locked. */
const SOFT_DELETED_DAYS = 90;

/**
 * A destroyed key or bucket of checkpoints cannot be had again, so both are protected. The key ring's name stays taken for ever, as Cloud KMS
 * has it. Another version of the key is made by hand, and named in the settings: making one by a program would destroy it by a program.
 */
export function createLedger({ settings, names }: Stack): Ledger {
  const { region, deletionProtection: protect } = settings;
  const name = names.resource("ledger");
  const ring = new KeyRing("ledger", { name, location: region }, { protect });
  const key = new CryptoKey(
    "checkpoints",
    {
      name: "checkpoints",
      keyRing: ring.id,
      purpose: "ASYMMETRIC_SIGN",
      versionTemplate: { algorithm: "EC_SIGN_ED25519", protectionLevel: "SOFTWARE" },
      destroyScheduledDuration: `${DESTROYED_AFTER_DAYS * DAY_SECONDS}s`,
      labels: names.labels,
    },
    { protect },
  );
  const checkpoints = new Bucket(
    "checkpoints",
    {
      name: names.bucket("checkpoints"),
      location: region,
      storageClass: "STANDARD",
      uniformBucketLevelAccess: true,
      publicAccessPrevention: "enforced",
      // Without versions: nothing in it is ever written twice.
      versioning: { enabled: false },
      retentionPolicy: {
        retentionPeriod: String(settings.checkpointRetentionDays * DAY_SECONDS),
        isLocked: settings.lockCheckpoints,
      },
      softDeletePolicy: { retentionDurationSeconds: SOFT_DELETED_DAYS * DAY_SECONDS },
      forceDestroy: false,
      labels: names.labels,
    },
    { protect },
  );
  const origin = defaultOrigin(settings.projectId, names.datasets.raw);
  // As text: Pulumi takes apart what holds outputs, Buffers too.
  const pems = settings.signingKeys.map(({ version, vkey }) =>
    vkey !== undefined
      ? output<string | undefined>(undefined)
      : getKMSCryptoKeyVersionOutput({ cryptoKey: key.id, version }).apply(({ publicKeys }) => publicKeys[0]?.pem),
  );
  const signing = settings.signingKeys.filter(({ vkey }) => vkey === undefined);
  return {
    key,
    checkpoints,
    store: checkpoints.name.apply((bucket) => `gs://${bucket}`),
    keyVersions: key.id.apply((id) => signing.map(({ version }) => `${id}/cryptoKeyVersions/${version}`)),
    keyList: all(pems).apply((texts) =>
      serializeKeyList({
        origin,
        keys: settings.signingKeys.map((signingKey, index) => trustedKey(origin, signingKey, texts[index])),
      }),
    ),
  };
}

/** @throws ERR_KEY */
function trustedKey(origin: string, signingKey: SigningKey, pem: string | undefined): TrustedKey {
  const { from, until, vkey } = signingKey;
  const key = vkey === undefined ? keyInPem(origin, signingKey, pem) : parseVerifierKey(vkey);
  if (key.name !== origin) {
    throw new IndelibleError(
      "ERR_KEY",
      `the vkey of version ${signingKey.version} is of ${key.name}, not of ${origin}`,
      {
        hint: "Copy it from the output verifierKeys of this stack.",
      },
    );
  }
  return { key, from: micros(from), until: until === undefined ? undefined : micros(until) };
}

/** @throws ERR_KEY */
function keyInPem(origin: string, { version }: SigningKey, pem: string | undefined): VerifierKey {
  const publicKey = pem === undefined ? undefined : rawPublicKey(createPublicKey(pem));
  if (publicKey === undefined) {
    throw new IndelibleError("ERR_KEY", `version ${version} of the signing key is no Ed25519 key in PEM`, {
      hint: "It must be enabled, and of EC_SIGN_ED25519: gcloud kms keys versions list. One that signs no more is named by its vkey.",
    });
  }
  return verifierKeyOf({ name: origin, publicKey });
}

function micros(time: string): bigint {
  const parsed = parseTimestamp(time);
  if (parsed !== undefined) return BigInt(parsed);
  throw new IndelibleError("ERR_CONFIG", `${JSON.stringify(time)} of indelible:signingKeys is no time`, {
    hint: "Give RFC 3339, such as 2026-12-01T00:00:00Z.",
  });
}
