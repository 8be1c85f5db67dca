import { constants, gunzipSync, zstdDecompressSync, type InputType } from "node:zlib";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** Most bytes that the data of one message may have when it is decompressed. SPEC.md §2. */
export const MAX_DECOMPRESSED_BYTES: number = 16 * 1024 * 1024;

/**
 * 16 MiB, as much as may come out. A frame that needs a larger window is refused before memory is set aside for it: libzstd would go
 * up to 128 MiB for a few bytes of input.
 */
const MAX_ZSTD_WINDOW_LOG = 24;

/** Frames of zstd in one message: each costs some microseconds, even when it is empty. SPEC.md §2. */
const MAX_FRAMES = 1_000;

interface Inflated {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** `encoding` of SPEC.md §2, without `identity`. */
export type Compression = "gzip" | "zstd";

/**
 * Decompresses `data`, all members or frames of it.
 *
 * Synchronously: 1 MB takes 1 to 3 ms, less than its events take afterwards, and so at most one message at a time is being inflated,
 * whatever the number of requests.
 *
 * @throws ERR_CORRUPT_DATA when it is not valid, is cut short or has something behind its end; ERR_TOO_LARGE beyond
 * {@link MAX_DECOMPRESSED_BYTES} or 1,000 frames
 */
export function decompress(data: Buffer, compression: Compression): Buffer {
  const parts: Buffer[] = [];
  let room = MAX_DECOMPRESSED_BYTES;
  // Node inflates every member of a gzip file but only the first frame of zstd, and takes what stands behind for nothing.
  for (let start = 0; start < data.length || start === 0;) {
    const { buffer, engine } = inflate(compression, data.subarray(start), room);
    if (engine.bytesWritten === 0) throw corrupt(compression);
    if (parts.length === MAX_FRAMES) {
      throw new IndelibleError("ERR_TOO_LARGE", `the data has more than ${MAX_FRAMES} ${compression} frames`);
    }
    parts.push(buffer);
    room -= buffer.length;
    start += engine.bytesWritten;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
}

function inflate(compression: Compression, data: Buffer, room: number): Inflated {
  // With no room left, one byte is too many; and zlib takes no limit of 0.
  const options = { info: true, maxOutputLength: Math.max(1, room) };
  try {
    const inflated = compression === "gzip" ? gunzip(data, options) : unzstd(data, options);
    if (inflated.buffer.length <= room) return inflated;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_BUFFER_TOO_LARGE") throw corrupt(compression, cause);
  }
  throw new IndelibleError("ERR_TOO_LARGE", `the data decompresses to more than ${MAX_DECOMPRESSED_BYTES} bytes`);
}

// With `info`, which the types do not know of, zlib tells how much of the input it used.
const gunzip = gunzipSync as unknown as (data: InputType, options: object) => Inflated;
const unzstd = (data: InputType, options: object): Inflated =>
  zstdDecompressSync(data, {
    ...options,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_ZSTD_WINDOW_LOG },
  }) as unknown as Inflated;

function corrupt(compression: Compression, cause?: unknown): IndelibleError {
  const why = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new IndelibleError("ERR_CORRUPT_DATA", `the data is not ${compression}, or is cut short${why}`, { cause });
}
