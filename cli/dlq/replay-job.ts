import type { TransportMessage } from "@indelible/publisher/transport.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { isLogEntry } from "@indelible/schemas/log-entry.ts";
import { accessAuditTopic, topicOf } from "@indelible/schemas/names.ts";
import { assertLossless } from "@indelible/schemas/strict-json.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import type { Patch } from "rfc6902";
import { parts } from "../delivery/warehouse.ts";
import { eventTexts, type Content } from "./content.ts";
import { publishAll, type Desk } from "./desk.ts";
import { edit, isPatch } from "./edit.ts";
import type { Decision, Letter } from "./letter.ts";
import { replayMessage } from "./replay-message.ts";
import { record, reviewOf, type Reviewer } from "./reviews.ts";
import { chunksBySize, isReplayable, type Surveyed } from "./survey.ts";

/** How letters are to be replayed. */
export interface Instructions {
  /** Applied to every event. Default: that of the review, of those that an earlier run has reviewed and not published; else none. */
  readonly patch: Patch | undefined;
  /** Whether edited events are published that do not fit their table. */
  readonly force: boolean;
}

/** A letter that is not replayed, and why. */
export interface Skipped {
  readonly letter: Letter;
  readonly why: string;
  /** Where its bytes are, when the warehouse does not have them. */
  readonly hint?: string;
}

interface Prepared {
  readonly surveyed: Surveyed;
  readonly patch: Patch | undefined;
  readonly message: TransportMessage;
  /** ID of the topic that it goes to. */
  readonly topic: string;
  /** The edited events; undefined without a patch. */
  readonly texts: readonly string[] | undefined;
}

/** Each question for contents reads the whole column: few and large ones. */
const maxLoadedLetters = 5000;
const maxChunkLetters = 500;

/** Edits, as far as there is a patch, and writes the messages. Publishes nothing. */
async function prepare(
  desk: Desk,
  chunk: readonly Surveyed[],
  instructions: Instructions,
): Promise<{ readonly prepared: readonly Prepared[]; readonly skipped: readonly Skipped[] }> {
  const contents = await desk.reader.contents(chunk.map(({ letter }) => letter));
  const prepared: Prepared[] = [];
  const skipped: Skipped[] = [];
  for (const surveyed of chunk) {
    const result = prepareOne(desk, surveyed, contents.get(surveyed.letter.id), instructions);
    if ("why" in result) skipped.push(result);
    else prepared.push(result);
  }
  return { prepared, skipped };
}

function prepareOne(
  desk: Desk,
  surveyed: Surveyed,
  content: Content | undefined,
  instructions: Instructions,
): Prepared | Skipped {
  const { letter } = surveyed;
  if (!isReplayable(letter)) {
    return {
      letter,
      why: "nobody knows which table it was meant for",
      hint: "Discard it, or publish its bytes yourself.",
    };
  }
  if (content === undefined) {
    return letter.parts > 1
      ? { letter, why: "some of its parts have not arrived yet", hint: "Try again in a moment." }
      : { letter, why: "its data is not in the warehouse", hint: whereBytesAre(letter, desk) };
  }
  const patch = patchOf(surveyed, instructions);
  let texts: string[] | undefined;
  if (patch !== undefined) {
    const originals = eventTexts(letter, content);
    if (originals === undefined) return { letter, why: "it cannot be taken apart into events, so it cannot be edited" };
    texts = [];
    for (const [position, original] of originals.entries()) {
      const edited = edit(original, patch, letter, position);
      const usable =
        "misfit" in edited ? (instructions.force && edited.forcible ? edited.text : undefined) : edited.text;
      if (usable === undefined) {
        const place = originals.length > 1 ? `event ${position}: ` : "";
        return { letter, why: place + ("misfit" in edited ? edited.misfit : "") };
      }
      texts.push(usable);
    }
  }
  const message = replayMessage(letter, content, texts);
  return message === undefined
    ? { letter, why: "it is too large for a message of Pub/Sub, even compressed" }
    : { surveyed, patch, message, topic: topicOfReplay(desk, letter, content, texts), texts };
}

/** The topic of its table; of a record of BigQuery's audit log the one where such records are understood. */
function topicOfReplay(
  { topicPrefix }: Desk,
  letter: Letter,
  content: Content,
  edited: readonly string[] | undefined,
): string {
  // Taking a letter apart may mean decompressing it: of other tables nothing needs that.
  const texts = letter.table === "log_access_audit" ? (edited ?? eventTexts(letter, content)) : undefined;
  return texts?.some(isLogEntryText) === true
    ? accessAuditTopic(topicPrefix)
    : topicOf(letter.table as TableName, topicPrefix);
}

function isLogEntryText(text: string): boolean {
  try {
    return isLogEntry(JSON.parse(text));
  } catch {
    return false;
  }
}

/** What was decided counts for those that were decided about and not published yet. */
function patchOf({ letter, status }: Surveyed, { patch }: Instructions): Patch | undefined {
  if (patch !== undefined) return patch;
  const decided = status.state === "replaying" ? letter.decision?.patch : undefined;
  return isPatch(decided) ? decided : undefined;
}

/** How to get at bytes that version 1 of the table did not keep. */
export function whereBytesAre({ deadLetterMessageId }: Letter, desk: Pick<Desk, "project" | "topicPrefix">): string {
  const subscription = `${desk.topicPrefix}.dead-letter.safety-net`;
  return (
    `The subscription ${subscription} keeps them for 31 days, in message ${deadLetterMessageId}: ` +
    `gcloud pubsub subscriptions pull ${subscription} --project=${desk.project} --limit=1000 --format=json`
  );
}

/** What a replay would do. */
export interface Rehearsal {
  readonly ready: number;
  /** Of those: events that are sent as they were and still do not fit their tables, by today's declaration. */
  readonly unmended: number;
  readonly skipped: readonly Skipped[];
  /** The first event as it would be published, and as it was. */
  readonly example: { readonly letter: Letter; readonly before: string; readonly after: string } | undefined;
}

/** Goes through all of it without publishing or recording anything. */
export async function rehearse(
  desk: Desk,
  letters: readonly Surveyed[],
  instructions: Instructions,
  signal: AbortSignal,
): Promise<Rehearsal> {
  let [ready, unmended] = [0, 0];
  let example: Rehearsal["example"];
  const skipped: Skipped[] = [];
  for (const chunk of chunksOf(letters, maxLoadedLetters)) {
    signal.throwIfAborted();
    const result = await prepare(desk, chunk, instructions);
    ready += result.prepared.length;
    unmended += result.prepared.filter(isUnmended).length;
    skipped.push(...result.skipped);
    const [first] = result.prepared;
    if (example === undefined && first?.texts !== undefined) {
      const { letter } = first.surveyed;
      const content = (await desk.reader.contents([letter])).get(letter.id);
      const [before = ""] = content === undefined ? [] : (eventTexts(letter, content) ?? []);
      example = { letter, before, after: first.texts[0] ?? "" };
    }
  }
  return { ready, unmended, skipped, example };
}

function isUnmended({ surveyed: { letter }, message, texts }: Prepared): boolean {
  if (texts !== undefined || letter.index === undefined || message.attributes["encoding"] !== undefined) return false;
  try {
    const text = message.data.toString();
    assertEvent(letter.table as TableName, JSON.parse(text));
    assertLossless(text);
    return false;
  } catch {
    return true;
  }
}

export interface ReplayOptions {
  readonly reviewer: Reviewer;
  /** Letters a second. */
  readonly ratePerSecond: number;
  /** Ends the job after the chunk that is under way. */
  readonly signal: AbortSignal;
  readonly onProgress: (published: number) => void;
}

export interface ReplayResult {
  /** Pub/Sub has acknowledged their replays. */
  readonly published: readonly Letter[];
  readonly skipped: readonly Skipped[];
  /** Whether some were not tried. */
  readonly interrupted: boolean;
}

/**
 * Replays letters, a chunk at a time: records the reviews, waits until their rows are readable, and only then publishes. Whenever
 * it is killed, each letter is in a state from which the same call finishes the job: open, or `replaying`, for which no second
 * review is written. What was published twice is one entry.
 *
 * @throws what publishing and recording throw; what was published until then is arriving
 */
export async function replayLetters(
  desk: Desk,
  letters: readonly Surveyed[],
  instructions: Instructions,
  options: ReplayOptions,
): Promise<ReplayResult> {
  const published: Letter[] = [];
  const skipped: Skipped[] = [];
  for (const loaded of chunksOf(letters, maxLoadedLetters)) {
    if (options.signal.aborted) return { published, skipped, interrupted: true };
    const result = await prepare(desk, loaded, instructions);
    skipped.push(...result.skipped);
    for (const chunk of parts(result.prepared, Math.min(maxChunkLetters, options.ratePerSecond))) {
      if (options.signal.aborted) return { published, skipped, interrupted: true };
      const startedAt = performance.now();
      const checked = await checkDecisions(desk, chunk);
      skipped.push(...checked.skipped);
      await replayChunk(desk, checked.current, options.reviewer);
      published.push(...checked.current.map(({ surveyed }) => surveyed.letter));
      options.onProgress(published.length + skipped.length);
      const restMs = (chunk.length / options.ratePerSecond) * 1000 - (performance.now() - startedAt);
      if (published.length + skipped.length < letters.length && restMs > 0) {
        // An interruption ends it, and is noticed before the next chunk.
        await desk.pause(restMs, options.signal).catch(() => {});
      }
    }
  }
  return { published, skipped, interrupted: false };
}

/**
 * Leaves out what somebody else has decided about since it was chosen, unless that was to do the very same. What two decide within the second that
 * lies between this and the review's row is not seen.
 */
async function checkDecisions(
  desk: Desk,
  chunk: readonly Prepared[],
): Promise<{ readonly current: readonly Prepared[]; readonly skipped: readonly Skipped[] }> {
  const ids = chunk.map(({ surveyed }) => surveyed.letter.id);
  const page = { decisions: [undefined, "replay", "discard"] as const, newestFirst: false, limit: ids.length };
  const letters = new Map((await desk.reader.letters({ ids }, page)).map((letter) => [letter.id, letter]));
  const current: Prepared[] = [];
  const skipped: Skipped[] = [];
  for (const prepared of chunk) {
    const { letter, status } = prepared.surveyed;
    const now = letters.get(letter.id);
    if (now === undefined || now.decision?.micros === letter.decision?.micros) current.push(prepared);
    else if (isReplayWith(prepared.patch, now.decision))
      current.push({ ...prepared, surveyed: { letter: now, status: { ...status, state: "replaying" } } });
    else skipped.push({ letter: now, ...reasonOf(now.decision) });
  }
  return { current, skipped };
}

function reasonOf(decision: Decision | undefined): Omit<Skipped, "letter"> {
  return decision?.kind === "discard"
    ? { why: "somebody has discarded it meanwhile", hint: "`replay` of its ID changes that." }
    : { why: "somebody has replayed it meanwhile, with another edit or none", hint: "See `indelible dlq jobs`." };
}

async function replayChunk(desk: Desk, chunk: readonly Prepared[], reviewer: Reviewer): Promise<void> {
  const undecided = chunk.filter((one) => !isDecided(one));
  await record(
    desk,
    undecided.map(({ surveyed, patch }) => reviewOf(surveyed.letter.id, "replay", reviewer, patch)),
  );
  for (const [topic, ofTopic] of Map.groupBy(chunk, (prepared) => prepared.topic)) {
    const messages = ofTopic.map(({ message }) => message);
    await publishAll(desk, topic, messages);
  }
}

/** Whether this very replay is on record already and only has to be published. */
function isDecided({ surveyed: { letter, status }, patch }: Prepared): boolean {
  return status.state === "replaying" && isReplayWith(patch, letter.decision);
}

/** Whether it was decided to replay with the same edit, or without one as well. */
export function isReplayWith(patch: Patch | undefined, decision: Decision | undefined): boolean {
  return decision?.kind === "replay" && canonicalize(decision.patch ?? null) === canonicalize(patch ?? null);
}

function* chunksOf(letters: readonly Surveyed[], maxLetters: number): Generator<Surveyed[]> {
  const byLetter = new Map(letters.map((surveyed) => [surveyed.letter, surveyed]));
  for (const chunk of chunksBySize(byLetter.keys(), maxLetters)) {
    yield chunk.map((letter) => byLetter.get(letter) as Surveyed);
  }
}
