/**
 * A witness: a store in other hands than the log's, which keeps checkpoints only. It takes a new one only when the log has signed it and
 * shown that it continues the last one, so that whoever asks the witness notices a log that was rolled back or has two histories.
 *
 * Objects are `witness/<12 digits>`, numbered from 0 without gaps, each a signed note. To create one is what decides between several at
 * once. The first checkpoint is taken as it is.
 */
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { parseCheckpoint, type Checkpoint } from "./checkpoint.ts";
import { keysAt, type KeyList } from "./key-list.ts";
import { isConsistent } from "./merkle.ts";
import { openNote } from "./note.ts";
import { latestNumber } from "./numbered.ts";
import type { ObjectStore } from "./object-store.ts";
import { readAhead } from "./read-ahead.ts";
import type { VerifierKey } from "./verifier-key.ts";

export interface WitnessOptions {
  readonly store: ObjectStore;
  /** Keys of the log that is witnessed; those whose time is over included, by which older checkpoints are read. */
  readonly keys: KeyList;
}

export interface WitnessedCheckpoint {
  readonly number: number;
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

export interface Witness {
  /**
   * The last checkpoint that was taken; undefined when there is none. Looks at few objects, and so relies on there being no gaps:
   * `notes` finds them.
   * @throws ERR_CHECKPOINT when it is none that the log has signed; ERR_STORE
   */
  latest(): Promise<WitnessedCheckpoint | undefined>;
  /**
   * Takes a checkpoint; resolves when it is durable. The one that it has already (the same size and root) is taken as well, and nothing
   * is done, so that a call may be repeated.
   *
   * @param atMicros the time by which keys are valid or not, in microseconds since 1970
   * @param proof that the latest tree is the beginning of this one (RFC 6962); none when there is no latest, or it has no leaves
   * @param from size of the tree that the proof begins with. When it is given, and the witness has another one by now, the call fails by
   *   ERR_SEAL_CONFLICT rather than by a proof that does not fit
   * @throws ERR_CHECKPOINT when it is refused, saying why; ERR_SEAL_CONFLICT (retryable, with a proof from the new latest) when another
   *   checkpoint was taken meanwhile; ERR_STORE (retryable), which leaves open whether it was taken
   */
  add(note: string, atMicros: bigint, proof: readonly Buffer[], from?: bigint): Promise<void>;
  /** All notes in order, as they are stored. @throws ERR_CHECKPOINT, from the iteration, when one is missing; ERR_STORE */
  notes(): AsyncIterable<string>;
}

const FOLDER = "witness/";
const DIGITS = 12;
const MAX_LOST_RACES = 10;

const nameOf = (number: number): string => `${FOLDER}${String(number).padStart(DIGITS, "0")}`;

export function openWitness({ store, keys }: WitnessOptions): Witness {
  const latest = async (): Promise<WitnessedCheckpoint | undefined> => {
    const number = await latestNumber(store, nameOf);
    if (number === undefined) return undefined;
    const note = await readNote(store, number);
    return { number, note, checkpoint: checkpointOf(note, keys, allKeys(keys), `what ${nameOf(number)} holds`) };
  };

  return {
    latest,

    async add(note, atMicros, proof, from) {
      const checkpoint = checkpointOf(note, keys, keysAt(keys, atMicros), "the checkpoint");
      for (let lost = 0; lost <= MAX_LOST_RACES; lost += 1) {
        const last = await latest();
        if (last !== undefined) {
          if (isSameTree(last.checkpoint, checkpoint)) return;
          const fault = faultOf(last.checkpoint, checkpoint, proof);
          const isOther = lost > 0 || (from !== undefined && from !== last.checkpoint.size);
          if (fault !== undefined && isOther && fault.kind !== "fork") throw conflict();
          if (fault !== undefined) throw refusal(fault.message);
        }
        if (await store.create(nameOf((last?.number ?? -1) + 1), Buffer.from(note))) return;
      }
      throw conflict();
    },

    notes: () => readAhead(numbersOf(store), (number) => readNote(store, number)),
  };
}

async function* numbersOf(store: ObjectStore): AsyncGenerator<number, void, undefined> {
  let number = 0;
  for await (const name of store.list(FOLDER)) {
    if (name !== nameOf(number)) throw refusal(`the witness should have ${nameOf(number)} where it has ${name}`);
    yield number;
    number += 1;
  }
}

async function readNote(store: ObjectStore, number: number): Promise<string> {
  const data = await store.read(nameOf(number));
  if (data === undefined) throw refusal(`${nameOf(number)} was in ${store.location} and is gone`);
  return Buffer.from(data).toString();
}

/** The checkpoint in a note that one of the valid keys has signed, and no known key wrongly. */
function checkpointOf(note: string, list: KeyList, valid: readonly VerifierKey[], what: string): Checkpoint {
  const { text, signedBy, bad } = openNote(note, allKeys(list));
  if (bad.length > 0) throw refusal(`${what} has a signature that is not by the key that it names`);
  if (signedBy.length === 0) throw refusal(`${what} is signed by no key of the log`);
  if (!signedBy.some((key) => valid.includes(key))) {
    throw refusal(`${what} is signed only by keys of the log that are not valid at this time`);
  }
  const checkpoint = parseCheckpoint(text);
  if (checkpoint.origin !== list.origin) {
    throw refusal(`${what} is of the log ${JSON.stringify(checkpoint.origin)}, not of ${JSON.stringify(list.origin)}`);
  }
  return checkpoint;
}

/** Why the second tree is not known to continue the first, which is another one; undefined when it does. */
function faultOf(
  last: Checkpoint,
  next: Checkpoint,
  proof: readonly Buffer[],
): { readonly kind: "smaller" | "fork" | "proof"; readonly message: string } | undefined {
  if (next.size < last.size) {
    return {
      kind: "smaller",
      message: `the tree has ${next.size} leaves, fewer than the ${last.size} that the witness has seen`,
    };
  }
  if (next.size === last.size) {
    return {
      kind: "fork",
      message: `the witness has seen another tree of ${last.size} leaves: the log has two histories`,
    };
  }
  const { size: size1, rootHash: root1 } = last;
  if (size1 === 0n || isConsistent({ size1, size2: next.size, root1, root2: next.rootHash, proof })) return undefined;
  return {
    kind: "proof",
    message: `it is not proved that the tree of ${next.size} leaves continues the one of ${size1} that the witness has seen`,
  };
}

function isSameTree(a: Checkpoint, b: Checkpoint): boolean {
  return a.size === b.size && a.rootHash.equals(b.rootHash);
}

function allKeys(list: KeyList): VerifierKey[] {
  return list.keys.map(({ key }) => key);
}

function refusal(reason: string): IndelibleError {
  return new IndelibleError("ERR_CHECKPOINT", `the witness does not take this: ${reason}`);
}

function conflict(): IndelibleError {
  return new IndelibleError("ERR_SEAL_CONFLICT", "the witness has taken another checkpoint meanwhile", {
    hint: "Ask the witness for its latest checkpoint, and prove that the new one continues it.",
  });
}
