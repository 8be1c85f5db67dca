/** A dead letter as people work with it: all parts are one, and the data is left in the warehouse until it is needed. */
export interface Letter {
  readonly id: string;
  readonly reason: string;
  readonly detail: string;
  /** What to group by, with table and reason. */
  readonly pattern: string;
  /** The table it was meant for; undefined when nobody knows. */
  readonly table: string | undefined;
  /** RFC 3339. */
  readonly publishedAt: string;
  readonly publishedMicros: number;
  readonly messageId: string;
  /** Position in its message; undefined: the whole message. */
  readonly index: number | undefined;
  /** Where it came in at first, if it is a failed replay itself. */
  readonly originMessageId: string | undefined;
  readonly originIndex: number | undefined;
  readonly replayOf: string | undefined;
  /** ID of the entry that it is to become; undefined for whole messages. */
  readonly logId: string | undefined;
  readonly parts: number;
  /** Bytes of its first part. */
  readonly bytes: number;
  /** ID of its message in the dead-letter topic, and so in the safety-net subscription. */
  readonly deadLetterMessageId: string;
  /** The latest review. */
  readonly decision: Decision | undefined;
}

export interface Decision {
  readonly kind: "replay" | "discard";
  /** `publisher_id` of the run that decided; undefined when another program did that gave none. */
  readonly job: string | undefined;
  /** Pub/Sub's clock when it took the review, in microseconds since 1970. */
  readonly micros: number;
  readonly patch: unknown;
}

/** Derived from reviews, entries and other dead letters, and stored nowhere. SPEC.md §7. */
export type State = "open" | "replaying" | "replayed" | "failed-again" | "discarded";

export const states: readonly State[] = ["open", "replaying", "replayed", "failed-again", "discarded"];

/** A dead letter that a replay left. */
export interface Failure extends GroupKey {
  readonly id: string;
  readonly replayOf: string;
  readonly detail: string;
  /** When Pub/Sub took the replay. */
  readonly publishedMicros: number;
}

export interface Status {
  readonly state: State;
  /** What the replays since the latest review left; of another state than failed-again too. */
  readonly failures: readonly Failure[];
}

/** @param arrived whether everything that it is to become is in the history of its table */
export function statusOf({ decision }: Letter, arrived: boolean, failures: readonly Failure[]): Status {
  if (decision === undefined) return { state: "open", failures: [] };
  if (decision.kind === "discard") return { state: "discarded", failures: [] };
  // A replay is published after its review is readable, both by Pub/Sub's clock.
  const since = failures.filter(({ publishedMicros }) => publishedMicros >= decision.micros);
  const state = arrived ? "replayed" : since.length > 0 ? "failed-again" : "replaying";
  return { state, failures: since };
}

/** What failures of one kind have in common. */
export interface GroupKey {
  /** Undefined when nobody knows. */
  readonly table: string | undefined;
  readonly reason: string;
  readonly pattern: string;
}

/** Failures of one kind. */
export interface Group extends GroupKey {
  /** Dead letters in the state that was asked for. */
  readonly count: number;
  /** Those without a review, of all states. */
  readonly open: number;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** One of them. */
  readonly example: string;
}

/** How many dead letters of a group there are, by the latest decision about each: none, to replay, to discard. */
export interface GroupCounts {
  readonly open: number;
  readonly replay: number;
  readonly discarded: number;
  /** RFC 3339. */
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** One text for each group. */
export function groupKey({ table, reason, pattern }: GroupKey): string {
  return `${table ?? ""}\n${reason}\n${pattern}`;
}

/** Groups of `letters`, the largest first. */
export function groupsOf(letters: readonly (GroupKey & Pick<Letter, "id" | "publishedAt" | "decision">)[]): Group[] {
  const groups = new Map<string, Group>();
  for (const letter of letters) {
    const key = groupKey(letter);
    const group = groups.get(key);
    const { table, reason, pattern, publishedAt, id } = letter;
    groups.set(key, {
      table,
      reason,
      pattern,
      count: (group?.count ?? 0) + 1,
      open: (group?.open ?? 0) + (letter.decision === undefined ? 1 : 0),
      firstSeen: group === undefined || publishedAt < group.firstSeen ? publishedAt : group.firstSeen,
      lastSeen: group === undefined || publishedAt > group.lastSeen ? publishedAt : group.lastSeen,
      example: group?.example ?? id,
    });
  }
  return [...groups.values()].toSorted((a, b) => b.count - a.count);
}
