/** The keys that a verifier trusts, each for its time: the `keys.json` of a log, which verifiers get from somewhere else than the log. */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import { formatTimestamp, parseTimestamp } from "@indelible/schemas/timestamp.ts";
import { formatVerifierKey, isKeyName, isSameKeyId, parseVerifierKey, type VerifierKey } from "./verifier-key.ts";

export interface TrustedKey {
  readonly key: VerifierKey;
  /** Microseconds since 1970, inclusive. */
  readonly from: bigint;
  /** Microseconds since 1970, exclusive; undefined as long as nobody has said when it ends. */
  readonly until: bigint | undefined;
}

export interface KeyList {
  /** The log that the keys sign for, and so their name. */
  readonly origin: string;
  /** In the order in which they were added. */
  readonly keys: readonly TrustedKey[];
}

const FORMAT = "indelible-keys/1";

/**
 * Reads a list of keys. Fields that are not known are refused: an `untill` would trust a key for ever.
 * @throws ERR_KEY, saying which key and why
 */
export function parseKeyList(text: string): KeyList {
  let value: unknown;
  try {
    value = JSON.parse(text);
    assertLossless(text);
  } catch (cause) {
    throw refusal("it is not JSON, or has a field twice", cause);
  }
  const { format, origin, keys } = fields(value, ["format", "origin", "keys"], "it");
  if (format !== FORMAT) throw refusal(`its format is not "${FORMAT}"`);
  if (typeof origin !== "string" || !isKeyName(origin)) throw refusal("its origin is not the name of a log");
  if (!Array.isArray(keys)) throw refusal("its keys are not an array");
  const list = { origin, keys: keys.map((key: unknown, index) => parseKey(key, `its key ${index + 1}`)) };
  assertKeyList(list);
  return list;
}

/** JSON that `parseKeyList` reads. @throws ERR_KEY when the list cannot be one */
export function serializeKeyList(list: KeyList): string {
  assertKeyList(list);
  const keys = list.keys.map(({ key, from, until }) => ({
    vkey: formatVerifierKey(key),
    from: formatTimestamp(Number(from)),
    ...(until === undefined ? {} : { until: formatTimestamp(Number(until)) }),
  }));
  return `${JSON.stringify({ format: FORMAT, origin: list.origin, keys }, undefined, 2)}\n`;
}

/** Those that are valid at this time, in microseconds since 1970. */
export function keysAt(list: KeyList, atMicros: bigint): VerifierKey[] {
  return list.keys.filter((key) => isValidAt(key, atMicros)).map(({ key }) => key);
}

export function isValidAt({ from, until }: TrustedKey, atMicros: bigint): boolean {
  return from <= atMicros && (until === undefined || atMicros < until);
}

/**
 * The list with a new key, which is valid from `fromMicros` on. The old ones end `overlapMs` later, unless they end before; in
 * between both sign, so that whoever has the old list can still verify. `from` must be after the beginning of each old key.
 * @throws ERR_KEY
 */
export function withNewKey(list: KeyList, key: VerifierKey, fromMicros: bigint, overlapMs: number): KeyList {
  if (!Number.isSafeInteger(overlapMs) || overlapMs < 0)
    throw refusal(`an overlap of ${overlapMs} ms is not a whole number`);
  const end = fromMicros + BigInt(overlapMs) * 1000n;
  const old = list.keys.map((trusted) => {
    if (trusted.from >= fromMicros) {
      throw refusal(
        `the new key would be valid from ${formatTimestamp(Number(fromMicros))}, not after the beginning of an old one`,
      );
    }
    return trusted.until !== undefined && trusted.until <= end ? trusted : { ...trusted, until: end };
  });
  const next = { origin: list.origin, keys: [...old, { key, from: fromMicros, until: undefined }] };
  assertKeyList(next);
  return next;
}

function parseKey(value: unknown, what: string): TrustedKey {
  const { vkey, from, until } = fields(value, ["vkey", "from", "until"], what);
  if (typeof vkey !== "string") throw refusal(`${what} has no vkey`);
  return {
    key: parseVerifierKey(vkey),
    from: micros(from, `${what} has no timestamp "from", such as 2026-01-01T00:00:00Z`),
    until: until === undefined ? undefined : micros(until, `${what} has an "until" that is no timestamp`),
  };
}

function assertKeyList({ origin, keys }: KeyList): void {
  if (keys.length === 0) throw refusal("it has no keys");
  keys.forEach(({ key, from, until }, index) => {
    const vkey = formatVerifierKey(key);
    if (key.name !== origin)
      throw refusal(`the key ${vkey} does not have the name of the log, ${JSON.stringify(origin)}`);
    if (until !== undefined && until <= from) throw refusal(`the key ${vkey} ends before it begins`);
    if (keys.slice(0, index).some((other) => isSameKeyId(other.key, key))) {
      throw refusal(`it has two keys with the same name and ID: ${vkey}`);
    }
  });
}

function fields(value: unknown, names: readonly string[], what: string): { readonly [name: string]: unknown } {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refusal(`${what} is not an object`);
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw refusal(`${what} has a field ${JSON.stringify(unknown)}, which is none of ${names.join(", ")}`);
  return value as { readonly [name: string]: unknown };
}

function micros(value: unknown, otherwise: string): bigint {
  const time = typeof value === "string" ? parseTimestamp(value) : undefined;
  if (time === undefined) throw refusal(otherwise);
  return BigInt(time);
}

function refusal(reason: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_KEY", `a list of keys cannot be used: ${reason}`, { cause });
}
