import { createHash } from "node:crypto";
import { groupKey, type GroupKey } from "./letter.ts";

/** What people call something that has no short ID of its own: a letter for what it is, and the first hex digits of a SHA-256. */
export type HandleKind = "g" | "j";

const shownDigits = 8;
const minDigits = 4;
const maxDigits = 64;

/** What commands take, for messages. */
export const HANDLE_FORM: string = `its first ${minDigits} hex digits or more`;

/**
 * The handle of a group, such as `g-3fa91c2b`: of its table, reason and pattern, each on a line. It is the same on every machine and at every
 * time.
 *
 * @param digits default: 8
 */
export function groupIdOf(group: GroupKey, digits: number = shownDigits): string {
  return handleOf("g", groupKey(group), digits);
}

/** The handle of a run of a command that decided about dead letters, such as `j-3fa91c2b`: of the `publisher_id` of its reviews. */
export function jobIdOf(publisherId: string, digits: number = shownDigits): string {
  return handleOf("j", publisherId, digits);
}

function handleOf(kind: HandleKind, text: string, digits: number): string {
  return `${kind}-${createHash("sha256").update(text).digest("hex").slice(0, digits)}`;
}

/** The digits of a handle or of its beginning, from 4 on; undefined when `text` is none of this kind. */
export function digitsOf(kind: HandleKind, text: string): string | undefined {
  const lower = text.toLowerCase();
  const digits = lower.slice(kind.length + 1);
  const isOne = lower.startsWith(`${kind}-`) && digits.length >= minDigits && digits.length <= maxDigits;
  return isOne && /^[0-9a-f]+$/.test(digits) ? digits : undefined;
}
