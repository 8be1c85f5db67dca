import { randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import { addAbortSignal } from "node:stream";
import type { File, FileMetadata, StorageOptions } from "@google-cloud/storage";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { attempts } from "./attempts.ts";
import { crc32cBase64 } from "./crc32c.ts";
import { assertObjectName, assertObjectPrefix, isObjectName } from "./object-name.ts";
import type { ObjectStore } from "./object-store.ts";

export interface GcsStoreOptions {
  /** `gs://bucket` or `gs://bucket/prefix`. The bucket is there, with a locked retention policy or rights that nobody can delete with. */
  readonly location: string;
  /** For each call, with up to 4 attempts; for each page of a listing. Default: 60 s. */
  readonly deadlineMs?: number | undefined;
  /** Of Google's client: where it is, and whose account it uses. Its own attempts are switched off. */
  readonly clientOptions?: StorageOptions | undefined;
  /** Waits between two attempts. Default: a timer. */
  readonly wait?: ((waitMs: number) => Promise<unknown>) | undefined;
}

const DEADLINE_MS = 60_000;
const PAGE = 1000;
/** Custom metadata: which call of `create` an object is of. */
const CREATED_BY = "created-by";

const transientStatus: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/** What was read does not have its checksum. */
class Damaged extends Error {}

/**
 * A store in a bucket of Cloud Storage. An object is created by the condition that there is none (generation 0). Checksums (CRC32C) are
 * compared by Cloud Storage on the way there, and here on the way back.
 *
 * When an answer is lost, the attempt after it finds an object. It is this call's own if it bears the ID that each call gives its object:
 * comparing bytes would not tell it from another caller's that creates the same.
 *
 * @throws ERR_CONFIG when the location is none; the methods throw ERR_STORE and ERR_DEADLINE (both retryable), which leave open
 *   whether an object was created
 */
export async function openGcsStore({
  location,
  deadlineMs = DEADLINE_MS,
  clientOptions = {},
  wait,
}: GcsStoreOptions): Promise<ObjectStore> {
  const { bucketName, prefix } = parseLocation(location);
  // Loaded here because it takes 300 ms and only some stores need it.
  const { Storage } = await import("@google-cloud/storage");
  const client = new Storage({ ...clientOptions, retryOptions: { autoRetry: false, maxRetries: 0 } });
  const bucket = client.bucket(bucketName);

  const fileOf = (name: string): File => {
    assertObjectName(name);
    return bucket.file(prefix + name);
  };
  const call = async <T>(
    name: string,
    doing: string,
    attempt: (number: number, remainingMs: number) => Promise<T>,
  ): Promise<T> => {
    const what = `gs://${bucketName}/${prefix}${name}`;
    try {
      return await attempts(attempt, { what, deadlineMs, isTransient, wait });
    } catch (cause) {
      throw errorOf(what, doing, cause);
    }
  };

  return {
    location: prefix === "" ? `gs://${bucketName}` : `gs://${bucketName}/${prefix.slice(0, -1)}`,

    create: async (name, data) => {
      const file = fileOf(name);
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const id = randomUUID();
      const metadata: FileMetadata = {
        contentType: "application/octet-stream",
        crc32c: crc32cBase64(bytes),
        metadata: { [CREATED_BY]: id },
      };
      return call(name, "created", async (number, timeout) => {
        try {
          await file.save(bytes, {
            resumable: false,
            validation: false,
            preconditionOpts: { ifGenerationMatch: 0 },
            metadata,
            timeout,
          });
          return true;
        } catch (error) {
          // A bucket may also refuse to have an object replaced, by its retention policy or for lack of a right, before it looks at the precondition.
          if (statusOf(error) !== 412 && statusOf(error) !== 403) throw error;
          if (statusOf(error) === 412 && number === 1) return false;
          const stored = await metadataOf(file);
          if (stored === undefined) throw error;
          return stored.metadata?.[CREATED_BY] === id;
        }
      });
    },

    read: async (name) => {
      const file = fileOf(name);
      return call(name, "read", async (_, remainingMs) => {
        try {
          return await download(file, remainingMs);
        } catch (error) {
          if (isAbsent(error)) return undefined;
          throw error;
        }
      });
    },

    has: async (name) => {
      const file = fileOf(name);
      return call(name, "read", async () => {
        try {
          await file.getMetadata({ fields: "name" });
          return true;
        } catch (error) {
          if (isAbsent(error)) return false;
          throw error;
        }
      });
    },

    async *list(below, from = below) {
      assertObjectPrefix(below);
      let pageToken: string | undefined;
      do {
        const query = {
          prefix: prefix + below,
          startOffset: prefix + from,
          maxResults: PAGE,
          autoPaginate: false,
          fields: "items(name),nextPageToken",
          ...(pageToken === undefined ? {} : { pageToken }),
        };
        const [files, next] = await call(below, "listed", () => bucket.getFiles(query));
        for (const file of files) {
          const name = file.name.slice(prefix.length);
          if (isObjectName(name)) yield name;
        }
        pageToken = (next as { readonly pageToken?: string } | null)?.pageToken;
      } while (pageToken !== undefined);
    },
  };
}

/** Undefined when there is no such object, and when it may not be said. */
async function metadataOf(file: File): Promise<FileMetadata | undefined> {
  try {
    const [metadata] = await file.getMetadata();
    return metadata;
  } catch (error) {
    if (isAbsent(error) || statusOf(error) === 403) return undefined;
    throw error;
  }
}

async function download(file: File, remainingMs: number): Promise<Buffer> {
  const stream = file.createReadStream({ validation: false, decompress: false });
  addAbortSignal(AbortSignal.timeout(remainingMs), stream);
  let hashes = "";
  stream.on("response", (response: EventEmitter & { readonly headers: { readonly [name: string]: unknown } }) => {
    hashes = String(response.headers["x-goog-hash"]);
    // The client itself puts 11 listeners on a response of more than 64 KB, and Node would warn of it on the user's terminal.
    response.setMaxListeners(20);
  });
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const data = Buffer.concat(parts);
  if (!hashes.split(/,\s*/).includes(`crc32c=${crc32cBase64(data)}`))
    throw new Damaged("it does not have its checksum");
  return data;
}

function parseLocation(location: string): { bucketName: string; prefix: string } {
  const [, bucketName, prefix = ""] = /^gs:\/\/([a-z0-9][a-z0-9._-]+)(?:\/(.+?))?\/?$/.exec(location) ?? [];
  if (bucketName === undefined || (prefix !== "" && !isObjectName(prefix))) {
    throw new IndelibleError("ERR_CONFIG", `${JSON.stringify(location)} is no bucket`, {
      hint: "Give gs://BUCKET or gs://BUCKET/PREFIX, of letters, digits, dots, dashes and underscores.",
    });
  }
  return { bucketName, prefix: prefix === "" ? "" : `${prefix}/` };
}

function statusOf(error: unknown): number | undefined {
  const { code, status } = (error ?? {}) as { code?: unknown; status?: unknown };
  const number = Number(code ?? status);
  return Number.isInteger(number) ? number : undefined;
}

/** Not when the bucket is missing: that is no empty store, but none. */
function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && !/bucket does not exist/i.test((error as Error).message);
}

/** What has no HTTP status did not get an answer. */
function isTransient(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || transientStatus.has(status);
}

function errorOf(what: string, doing: string, cause: unknown): IndelibleError {
  if (IndelibleError.is(cause)) return cause;
  const status = statusOf(cause);
  const reason = cause instanceof Error ? cause.message : String(cause);
  let hint: string | undefined;
  if (status === 401 || status === 403) {
    hint =
      "The sealer's account needs roles/storage.objectCreator and roles/storage.objectViewer on the bucket; readers the second.";
  } else if (status === 404) {
    hint = "Create the bucket, with a retention policy, or name one that is there.";
  } else if (cause instanceof Damaged) {
    hint = "Look at the object with `gcloud storage objects describe`: it should have a crc32c.";
  }
  return new IndelibleError("ERR_STORE", `${what} could not be ${doing}: ${reason}`, {
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
