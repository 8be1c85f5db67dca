import { newId } from "@indelible/publisher/identity.ts";
import type { TransportMessage } from "@indelible/publisher/transport.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { topicOf } from "@indelible/schemas/names.ts";
import type { EventOf } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import type { Patch } from "rfc6902";
import { publishAll, type Desk } from "./desk.ts";
import type { Decision } from "./letter.ts";

/** Who decides, and why; for one run of a command. */
export interface Reviewer {
  readonly name: string;
  readonly note: string | undefined;
  /** The run as a publisher of reviews: which of them belong together, and whether one is missing, can be seen in the log. */
  readonly run: Run;
}

/** Numbers the reviews of one run. */
export class Run {
  readonly publisherId: string = newId();
  #seq = 0;

  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }
}

export type ReviewEvent = EventOf<"dead_letter_reviews"> & { readonly log_id: string };

/** A decision that is about to be recorded. Publishing it again, under the identity that it has from here on, is harmless. */
export function reviewOf(
  deadLetterId: string,
  decision: Decision["kind"],
  reviewer: Reviewer,
  patch: Patch | undefined,
): ReviewEvent {
  const id = newId();
  const review = {
    log_id: id,
    review_id: id,
    dead_letter_id: deadLetterId,
    reviewed_at: new Date().toISOString(),
    reviewer: reviewer.name,
    decision,
    publisher_id: reviewer.run.publisherId,
    seq: reviewer.run.nextSeq(),
    ...(reviewer.note !== undefined && { note: reviewer.note }),
    ...(patch !== undefined && { patch: JSON.parse(JSON.stringify(patch)) as ReviewEvent["patch"] }),
  };
  try {
    assertEvent("dead_letter_reviews", review);
  } catch (cause) {
    const hint = "Give --reviewer 1 to 1,024 characters and --note 65,536 at most.";
    throw new IndelibleError("ERR_CONFIG", "the review is not one that the log takes", { cause, hint });
  }
  return review;
}

const firstPauseMs = 20;
const maxPauseMs = 1000;
const maxReviewBytes = 500_000;

/**
 * Records decisions. When it resolves, their rows are readable: whoever does afterwards what was decided and is killed in the middle leaves word of
 * it.
 *
 * @throws ERR_DEADLINE when they do not become readable; what publishing throws
 */
export async function record(desk: Desk, reviews: readonly ReviewEvent[]): Promise<void> {
  if (reviews.length === 0) return;
  await publishAll(desk, topicOf("dead_letter_reviews", desk.topicPrefix), messagesOf(reviews));
  const giveUpAt = performance.now() + desk.patience.deadlineMs;
  let missing = reviews.map(({ log_id }) => log_id);
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
    const present = await desk.reader.present("dead_letter_reviews", missing);
    missing = missing.filter((id) => !present.has(id));
    if (missing.length === 0) return;
    if (performance.now() >= giveUpAt) {
      throw new IndelibleError(
        "ERR_DEADLINE",
        `${missing.length} reviews are with Pub/Sub and have not become readable in ${desk.patience.deadlineMs / 1000} s`,
        {
          hint: "See whether the function runs and whether the topic's subscription exists; then run the same command again: nothing was done yet that they do not tell of.",
        },
      );
    }
    await desk.pause(pauseMs, desk.patience.signal);
  }
}

/** As NDJSON, several a message. */
function* messagesOf(reviews: readonly ReviewEvent[]): Generator<TransportMessage> {
  let lines: string[] = [];
  let length = 0;
  const message = (): TransportMessage => ({
    data: Buffer.from(lines.join("\n")),
    attributes: { format: "ndjson" },
  });
  for (const review of reviews) {
    const line = JSON.stringify(review);
    if (lines.length > 0 && length + line.length > maxReviewBytes) {
      yield message();
      lines = [];
      length = 0;
    }
    lines.push(line);
    length += line.length;
  }
  yield message();
}
