/** Holds the log against what a witness has been shown of it: a place that neither the writer nor the sealer can change later. */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Finding } from "../findings.ts";
import type { KeyList } from "../key-list.ts";
import type { Witness } from "../witness.ts";
import { checkNote, contradiction, type Position } from "./checkpoints.ts";
import type { SealLog } from "./log.ts";
import { PositionList } from "./seal-index.ts";
import { timeText } from "./time.ts";

/** Each position that a witness has been shown, some 40 bytes each. To be called before the log is read: what it has been shown by then, the log has. */
export async function readWitness(
  witness: Pick<Witness, "notes">,
  keys: KeyList,
  onFinding: (finding: Finding) => void,
  signal?: AbortSignal,
): Promise<PositionList> {
  const positions = new PositionList();
  let number = 0;
  const notes = witness.notes()[Symbol.asyncIterator]();
  for (let next = await read(notes, onFinding); next !== undefined; next = await read(notes, onFinding)) {
    signal?.throwIfAborted();
    const note = next;
    const checked = checkNote(note, keys, undefined, `note ${number} of the witness`);
    number += 1;
    for (const finding of checked.findings) onFinding(finding);
    if (checked.checkpoint !== undefined) positions.push(checked.checkpoint);
  }
  return positions;
}

/** The next note; undefined after the last one, and where the witness says itself that it has a hole. */
async function read(notes: AsyncIterator<string>, onFinding: (finding: Finding) => void): Promise<string | undefined> {
  try {
    const next = await notes.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (!IndelibleError.is(error) || error.code !== "ERR_CHECKPOINT") throw error;
    onFinding({ code: "log-damaged", message: `the witness cannot be read to its end: ${error.message}` });
    return undefined;
  }
}

/** @param lagMs how long a witness may lag behind. @param now in microseconds since 1970 */
export function* compareWitness(
  positions: Iterable<Position>,
  log: SealLog,
  lagMs: number,
  now: bigint,
): Generator<Finding> {
  let largest = 0n;
  for (const position of positions) {
    if (position.size > largest) largest = position.size;
    const finding = contradiction(position, log, "the witness");
    if (finding !== undefined) yield finding;
  }
  const since = largest < log.size ? log.sealedSince(largest) : undefined;
  if (since === undefined || since >= now - BigInt(lagMs) * 1000n) return;
  yield {
    code: "witness-behind",
    message: `the witness has been shown ${largest} of ${log.size} seals; the next was made at ${timeText(since)}`,
    logIndex: largest,
  };
}
