import type { Kind } from "./otel-kind.ts";

/** A span as it stands among others; its attributes are those that it had when it began. */
export interface Place {
  readonly parent: Place | undefined;
  readonly depth: number;
  readonly kind: Kind | undefined;
  /** What the spans below the same first span have in common. */
  readonly family: { conversationId: string | undefined };
  conversationId: string | undefined;
  /** How many spans of a group have begun below it and not ended. */
  readonly openBelow: Map<string, number>;
  /** The groups of which a span below it was logged. */
  readonly loggedBelow: Set<string>;
  /** The group that it was logged as itself. */
  loggedAs: string | undefined;
  hasEnded: boolean;
}

/**
 * An entry that can be made of a span. Returns whether it tells all that there is to tell, so that a span inside it would repeat it.
 */
export type Entry = () => boolean;

/** Spans that wait for one inside them, at most. Beyond it the oldest is logged. */
const MAX_HELD = 1_000;

/** Ancestors that a span remembers, at most: tasks that start each other for ever must not keep each other in memory. */
const MAX_DEPTH = 100;

/**
 * Which spans become entries. Libraries put spans around spans: a run around its steps, a step around the call of a
 * model, a framework's call around a client's. Of spans of one group inside each other the innermost is logged, for it is closest to
 * what happened; those around it would repeat it, or add up what is logged one by one.
 *
 * The order of their ends does not matter: a span that ends while one of its group is open inside it is held until that
 * one has ended, or until `release()`. Keeps nothing of a span that has ended but what its open descendants need.
 */
export class Nesting {
  readonly #held = new Map<Place, { readonly kind: Kind; readonly entry: Entry }>();

  /** A span begins, within `started` if it has a parent here. */
  begin(started: Place | undefined, kind: Kind | undefined): Place {
    // What begins after its parent's end is no part of what the parent was about.
    let parent = started;
    while (parent?.hasEnded === true) parent = parent.parent;
    if (parent !== undefined && parent.depth >= MAX_DEPTH) parent = undefined;
    const place: Place = {
      parent,
      depth: parent === undefined ? 0 : parent.depth + 1,
      kind,
      family: started?.family ?? { conversationId: undefined },
      conversationId: undefined,
      openBelow: new Map(),
      loggedBelow: new Set(),
      loggedAs: undefined,
      hasEnded: false,
    };
    if (kind !== undefined) this.#count(place, kind, 1);
    return place;
  }

  /**
   * A span ends; `entry` is called now, later, or never.
   *
   * @param kind by the attributes that it has now
   * @param entry undefined for a span that is not to be logged, whatever it is about
   */
  end(place: Place, kind: Kind | undefined, entry: Entry | undefined): void {
    place.hasEnded = true;
    if (kind !== undefined && entry !== undefined && !place.loggedBelow.has(kind.group)) {
      if ((place.openBelow.get(kind.group) ?? 0) > 0) this.#hold(place, kind, entry);
      else this.#log(place, kind, entry);
    }
    if (place.kind === undefined) return;
    this.#count(place, place.kind, -1);
    for (const above of ancestors(place, place.kind)) this.#settle(above);
  }

  /** Logs what is held: the spans inside may never end. */
  release(): void {
    for (const place of this.#held.keys()) this.#letGo(place);
  }

  #hold(place: Place, kind: Kind, entry: Entry): void {
    this.#held.set(place, { kind, entry });
    if (this.#held.size <= MAX_HELD) return;
    for (const oldest of this.#held.keys()) return this.#letGo(oldest);
  }

  #settle(place: Place): void {
    const held = this.#held.get(place);
    if (held === undefined) return;
    if (place.loggedBelow.has(held.kind.group)) this.#held.delete(place);
    else if ((place.openBelow.get(held.kind.group) ?? 0) === 0) this.#letGo(place);
  }

  #letGo(place: Place): void {
    const held = this.#held.get(place);
    this.#held.delete(place);
    if (held !== undefined) this.#log(place, held.kind, held.entry);
  }

  #log(place: Place, kind: Kind, entry: Entry): void {
    for (const above of ancestors(place, kind)) if (above.loggedAs === kind.group) return;
    if (entry()) place.loggedAs = kind.group;
    for (const above of ancestors(place, kind)) above.loggedBelow.add(kind.group);
  }

  #count(place: Place, kind: Kind, by: 1 | -1): void {
    for (const above of ancestors(place, kind)) {
      above.openBelow.set(kind.group, (above.openBelow.get(kind.group) ?? 0) + by);
    }
  }
}

/** The spans around `place` that may be about the same thing: one that is about another ends that, such as a tool that calls a model. */
function* ancestors(place: Place, kind: Kind): Generator<Place> {
  for (let above = place.parent; above !== undefined; above = above.parent) {
    if (above.kind !== undefined && above.kind.group !== kind.group) return;
    yield above;
  }
}
