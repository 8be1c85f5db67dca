import { hash } from "node:crypto";

const HASH = 64;

/** Data that shows whether all of it is there: its hash stands at its beginning. */
export function objectData(label: string, number: number): Buffer {
  const body = `${label} ${number} ${"x".repeat((number * 7919) % 100_000)}`;
  return Buffer.from(hash("sha256", body) + body);
}

export function isWhole(data: Uint8Array): boolean {
  const text = Buffer.from(data).toString();
  return hash("sha256", text.slice(HASH)) === text.slice(0, HASH);
}

export function labelOf(data: Uint8Array): string {
  return Buffer.from(data).toString("utf8", HASH).split(" ", 1)[0] ?? "";
}
