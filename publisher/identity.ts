import { randomFillSync } from "node:crypto";

// Asking the system for each ID's few bytes costs ten times what the rest of it does.
const pool = Buffer.allocUnsafeSlow(4096);
let randomHex = "";
let used = 0;

/** Hex digits that end an ID, random ones. */
const RANDOM_DIGITS = 11;
/** Those from which a millisecond's counter starts. */
const START_DIGITS = 8;

const hexOf = (digits: number): readonly string[] =>
  Array.from({ length: 16 ** digits }, (_, value) => value.toString(16).padStart(digits, "0"));
const hex1 = hexOf(1);
const hex2 = hexOf(2);
const hex3 = hexOf(3);

/** Time and version, as they stand in the text; made once a millisecond. */
let timeText = "";
let lastMs = 0;
/** 30 bits behind the time: a random start below 2^29 in each millisecond, then counted upwards. */
let counter = 0;

/**
 * A UUIDv7 (RFC 9562) greater than every one that this process made before, even within a millisecond or after a clock step
 * back: time, a counter of 30 bits (method 1 of section 6.2), 44 random bits.
 *
 * Ours because it stands on the call path: a library's takes a third of what importing the publisher may take, and a text of many
 * pieces costs 0.3 us when it is written as JSON. Pieces of less than 13 characters are copied by the engine at once.
 */
export function newId(): string {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    setTime(nowMs);
    counter = Number.parseInt(random(START_DIGITS), 16) >>> 3;
  } else {
    counter += 1;
    // Half a billion IDs in one millisecond, or since a clock step back: borrow the next.
    if (counter >= 2 ** 30) {
      setTime(lastMs + 1);
      counter = 0;
    }
  }
  // 12 bits of the counter stand after the version, 14 after the variant, 4 behind the last dash.
  const middle =
    hex3[counter >>> 18]! + "-" + hex2[0x80 | ((counter >>> 12) & 0x3f)]! + hex2[(counter >>> 4) & 0xff]! + "-";
  return timeText + middle + (hex1[counter & 0xf]! + random(RANDOM_DIGITS));
}

function random(digits: number): string {
  if (used + digits > randomHex.length) {
    randomHex = randomFillSync(pool).toString("hex");
    used = 0;
  }
  used += digits;
  return randomHex.slice(used - digits, used);
}

function setTime(ms: number): void {
  lastMs = ms;
  const text = ms.toString(16).padStart(12, "0");
  timeText = `${text.slice(0, 8)}-${text.slice(8)}-7`;
}
