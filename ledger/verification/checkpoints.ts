/** Whether a signed note is a checkpoint of this log: what commits, the witness and the verifier's own memory are asked in the same way. */
import { parseCheckpoint, type Checkpoint } from "../checkpoint.ts";
import type { Finding } from "../findings.ts";
import { keysAt, type KeyList } from "../key-list.ts";
import { openNote, type OpenedNote, type VerifierKey } from "../note.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

/** Where a log was at some moment: what a later reading of it has to agree with. */
export type Position = Pick<Checkpoint, "size" | "rootHash">;

export interface CheckedNote {
  /** Undefined when it is not to be believed; then there is a finding. */
  readonly checkpoint: Checkpoint | undefined;
  readonly findings: readonly Finding[];
}

/**
 * Opens a note and says whether it is to be believed.
 *
 * @param what how messages call it, such as `the checkpoint of commit 7`
 * @param atMicros the time at which its key must have been valid; undefined: any time
 */
export function checkNote(note: string, keys: KeyList, atMicros: bigint | undefined, what: string): CheckedNote {
  const valid = atMicros === undefined ? keys.keys.map(({ key }) => key) : keysAt(keys, atMicros);
  let opened: OpenedNote;
  let checkpoint: Checkpoint;
  try {
    opened = openNote(note, valid);
    checkpoint = parseCheckpoint(opened.text);
  } catch (error) {
    if (!IndelibleError.is(error) || error.code !== "ERR_CHECKPOINT") throw error;
    return refused("log-damaged", `${what} cannot be read: ${error.message}`);
  }
  if (checkpoint.origin !== keys.origin) {
    return refused("other-origin", `${what} is of the log ${shown(checkpoint.origin)}, not of ${shown(keys.origin)}`);
  }
  const { signedBy, bad, unknown } = opened;
  if (bad.length > 0) return refused("bad-signature", `${what} has a signature by ${idOf(bad)} that is not its own`);
  if (signedBy.length === 0) {
    const time = atMicros === undefined ? "" : " at that time";
    return refused("unknown-key", `${what} is signed by ${idOf(unknown)}, which is no key of this log${time}`);
  }
  return { checkpoint, findings: [] };
}

/**
 * How a position that somebody has seen contradicts what the log has signed; undefined when it does not. Where the log is damaged it has
 * signed nothing, and so contradicts nobody: the damage is a finding by itself.
 */
export function contradiction(
  seen: Position,
  log: { readonly size: bigint; readonly signedRootAt: (size: bigint) => Buffer | undefined },
  who: string,
): Finding | undefined {
  if (seen.size > log.size) {
    return { code: "rolled-back", message: `${who} has seen ${seen.size} seals, and the log has ${log.size}` };
  }
  const root = log.signedRootAt(seen.size);
  if (root === undefined || root.equals(seen.rootHash)) return undefined;
  return {
    code: "forked",
    message: `${who} has seen the root ${seen.rootHash.toString("hex")} over the first ${seen.size} seals, which now have the root ${root.toString("hex")}`,
  };
}

function refused(code: Finding["code"], message: string): CheckedNote {
  return { checkpoint: undefined, findings: [{ code, message }] };
}

function idOf(keys: readonly Pick<VerifierKey, "name" | "keyId">[]): string {
  return keys.map(({ name, keyId }) => shown(`${name}+${keyId.toString("hex")}`)).join(", ") || "nobody";
}

/** A text that somebody else wrote, as a message has it. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
