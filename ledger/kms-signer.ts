import { createPublicKey } from "node:crypto";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { attempts } from "./attempts.ts";
import { crc32c } from "./crc32c.ts";
import { rawPublicKey, verifies } from "./ed25519.ts";
import type { Signer } from "./signer.ts";
import { verifierKeyOf } from "./verifier-key.ts";

interface CallOptions {
  /** Milliseconds. */
  readonly timeout: number;
  /** None by the client: attempts are counted here. */
  readonly retry: null;
}

/** A number that a client gives as text, number or Long. */
type Int64 = { readonly value?: unknown } | null | undefined;

/** What is asked of Cloud KMS: a `KeyManagementServiceClient`, or a test's double. */
export interface KmsClient {
  getPublicKey(
    request: { readonly name: string },
    options: CallOptions,
  ): Promise<
    readonly [
      {
        readonly name?: string | null;
        readonly algorithm?: string | number | null;
        readonly pem?: string | null;
        readonly pemCrc32c?: Int64;
      },
      ...unknown[],
    ]
  >;
  asymmetricSign(
    request: { readonly name: string; readonly data: Uint8Array; readonly dataCrc32c: { readonly value: number } },
    options: CallOptions,
  ): Promise<
    readonly [
      {
        readonly name?: string | null;
        readonly signature?: Uint8Array | string | null;
        readonly signatureCrc32c?: Int64;
        readonly verifiedDataCrc32c?: boolean | null;
      },
      ...unknown[],
    ]
  >;
}

export interface KmsSignerOptions {
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`, whose algorithm is EC_SIGN_ED25519. */
  readonly keyVersion: string;
  /** The log that it signs for. */
  readonly origin: string;
  /** Default: one with the account of this machine. */
  readonly client?: KmsClient | undefined;
  /** For each of opening and signing, with up to 4 attempts. Default: 10 s. */
  readonly deadlineMs?: number | undefined;
  /** Waits between two attempts. Default: a timer. */
  readonly wait?: ((waitMs: number) => Promise<unknown>) | undefined;
}

const DEADLINE_MS = 10_000;
const keyVersionForm =
  /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+\/cryptoKeyVersions\/[1-9]\d*$/;

/** gRPC: UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL, UNAVAILABLE. */
const transientCodes: ReadonlySet<unknown> = new Set([2, 4, 8, 10, 13, 14]);

/** An answer that is not what was asked for: damaged on the way, which another attempt mends, or a lie, which none does. */
class WrongAnswer extends Error {}

/**
 * A signer whose key never leaves Cloud KMS. What it sends is checked on the way there and back, and a signature is given only
 * when it verifies by the public key that was read when the signer was opened.
 *
 * @throws ERR_KEY when the key cannot be used, or answers do not hold after several attempts; ERR_STORE and ERR_DEADLINE (both retryable) when
 *   Cloud KMS does not answer. `sign` throws the same
 */
export async function openKmsSigner({
  keyVersion,
  origin,
  client,
  deadlineMs = DEADLINE_MS,
  wait,
}: KmsSignerOptions): Promise<Signer> {
  if (!keyVersionForm.test(keyVersion)) {
    throw refusal(keyVersion, "its name is not that of a key version", {
      hint: "Give projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V: `gcloud kms keys versions list` prints it.",
    });
  }
  const kms = client ?? (await defaultClient());

  const call = async <T>(attempt: (options: CallOptions) => Promise<T>): Promise<T> => {
    try {
      return await attempts((_, timeout) => attempt({ timeout, retry: null }), {
        what: `Cloud KMS (${keyVersion})`,
        deadlineMs,
        isTransient: (error) => error instanceof WrongAnswer || isTransient(error),
        wait,
      });
    } catch (cause) {
      throw errorOf(keyVersion, cause);
    }
  };

  const publicKey = await call(async (options) => {
    const [{ name, algorithm, pem, pemCrc32c }] = await kms.getPublicKey({ name: keyVersion }, options);
    expect(name === keyVersion, "it gave the public key of another key");
    if (algorithm !== "EC_SIGN_ED25519") {
      throw refusal(keyVersion, `its algorithm is ${algorithm}`, {
        hint: "Make a key with --purpose=asymmetric-signing --default-algorithm=ec-sign-ed25519.",
      });
    }
    expect(typeof pem === "string" && isCrc(pemCrc32c, Buffer.from(pem)), "the public key does not have its checksum");
    return publicKeyOf(pem as string);
  });
  verifierKeyOf({ name: origin, publicKey });

  return {
    name: origin,
    publicKey,
    sign: (message) =>
      call(async (options) => {
        const request = { name: keyVersion, data: message, dataCrc32c: { value: crc32c(message) } };
        const [answer] = await kms.asymmetricSign(request, options);
        expect(answer.name === keyVersion, "it signed with another key");
        expect(answer.verifiedDataCrc32c === true, "it did not check what it signed");
        const signature =
          typeof answer.signature === "string"
            ? Buffer.from(answer.signature, "base64")
            : (answer.signature ?? Buffer.alloc(0));
        expect(isCrc(answer.signatureCrc32c, signature), "the signature does not have its checksum");
        expect(verifies(publicKey, message, signature), "the signature does not verify by the public key");
        return signature;
      }),
  };
}

/** Loaded here because it takes 200 ms and only some sealers need it. */
async function defaultClient(): Promise<KmsClient> {
  const { KeyManagementServiceClient } =
    await import("@google-cloud/kms/build/src/v1/key_management_service_client.js");
  return new KeyManagementServiceClient();
}

function publicKeyOf(pem: string): Buffer {
  let publicKey: Buffer | undefined;
  try {
    publicKey = rawPublicKey(createPublicKey(pem));
  } catch {
    publicKey = undefined;
  }
  if (publicKey === undefined) throw new WrongAnswer("the public key is no Ed25519 key in PEM");
  return publicKey;
}

function isCrc(expected: Int64, data: Uint8Array): boolean {
  const value = expected?.value;
  return value !== undefined && value !== null && String(value) === String(crc32c(data));
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new WrongAnswer(otherwise);
}

function isTransient(error: unknown): boolean {
  return transientCodes.has((error as { code?: unknown } | null)?.code);
}

function errorOf(keyVersion: string, cause: unknown): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof WrongAnswer) {
    return refusal(keyVersion, `what Cloud KMS answers does not hold: ${reason}`, {
      cause,
      hint: "Nothing was signed. Find out what stands between this machine and Cloud KMS.",
    });
  }
  if (isTransient(cause)) {
    return new IndelibleError("ERR_STORE", `Cloud KMS does not answer for ${keyVersion}: ${reason}`, {
      cause,
      hint: "Nothing to do, if it passes: the next run seals what this one has not.",
    });
  }
  return refusal(keyVersion, reason, {
    cause,
    hint: "The key version must be enabled, and the sealer's account needs roles/cloudkms.signer and roles/cloudkms.publicKeyViewer on it.",
  });
}

function refusal(keyVersion: string, reason: string, options: { cause?: unknown; hint: string }): IndelibleError {
  return new IndelibleError("ERR_KEY", `the key ${keyVersion} cannot be used: ${reason}`, options);
}
