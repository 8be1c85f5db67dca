/** What a seed makes of a run: who logs what, with which settings, and when it is killed. */
import type { PublisherOptions } from "@indelible/publisher";
import type { Random } from "../../local/random.ts";

/** What a victim says of itself, as it happens. */
export type Stage = "begin" | "open" | "log" | "tick" | "publish" | "sent" | "flush" | "close" | "idle";

export interface TickPlan {
  /** Which of the process's publishers logs. */
  readonly publisher: number;
  readonly events: number;
  readonly maxTextBytes: number;
  /** How long the event loop stands still when the tick has ended and was reported, as an agent's that computes. */
  readonly busyMs: number;
  readonly pauseMs: number;
  /** Whether the events are logged by a promise's reaction. */
  readonly inMicrotask: boolean;
}

export type PublisherPlan = Required<
  Pick<
    PublisherOptions,
    | "lingerMs"
    | "maxBatchBytes"
    | "maxBatchEvents"
    | "maxQueuedBytes"
    | "maxInFlight"
    | "publishDeadlineMs"
    | "compression"
  >
>;

/** What a victim does; it is its argument, as JSON. */
export interface VictimPlan {
  /** Unlike that of any other of the run. */
  readonly name: string;
  readonly seed: number;
  readonly directory: string;
  /** The file that it reports to. */
  readonly journal: string;
  readonly publishers: readonly PublisherPlan[];
  readonly ticks: readonly TickPlan[];
  /** How long the event loop stands still when a message was acknowledged, before anything follows from it. */
  readonly sentBusyMs: number;
  readonly flushes: boolean;
  /** Otherwise it waits to be killed. */
  readonly closes: boolean;
  readonly flushDeadlineMs: number;
  readonly closeDeadlineMs: number;
}

/** When it is killed: so long after it said the stage for the so-manieth time, or after it has lived so long. */
export interface KillPlan {
  readonly stage: Stage;
  readonly occurrence: number;
  readonly afterMs: number;
  readonly maxLifeMs: number;
}

export interface Casting {
  readonly victim: VictimPlan;
  readonly kill: KillPlan | undefined;
  /** After its companions. */
  readonly startAfterMs: number;
}

/** Whoever logs; whoever comes next; whoever comes when there are no more kills, and has all the time that it needs. */
type Role = "agent" | "successor" | "last";

const FLOOD_EVENTS = 10_000;
const LAST_DEADLINE_MS = 30_000;

export interface PlannerOptions {
  /** Begins the names of the victims. */
  readonly prefix: string;
  /** One in so many victims logs 10,000 events in a tick. */
  readonly floodEvery: number;
  /** The time that most have to send everything. */
  readonly flushDeadlineMs: number;
}

export class Planner {
  readonly #random: Random;
  readonly #directory: string;
  readonly #options: PlannerOptions;
  #victims = 0;

  constructor(random: Random, directory: string, options: PlannerOptions) {
    this.#random = random;
    this.#directory = directory;
    this.#options = options;
  }

  /** Those that share the directory at a time; each is to be killed. */
  crash(): Casting[] {
    const count = this.#pick([1, 1, 1, 2, 2, 3]);
    return Array.from({ length: count }, () => {
      const { floodEvery } = this.#options;
      const flood = this.#victims % floodEvery === floodEvery >> 1;
      const victim = this.#victim({
        ticks: 1 + this.#below(12),
        flushes: this.#happens(0.4),
        closes: this.#happens(0.3),
        flood,
        role: "agent",
      });
      return { victim, kill: this.#kill(victim, flood), startAfterMs: this.#below(count * 60) };
    });
  }

  /** The one that comes next, and is to send what was left. It is killed in its turn with this probability. */
  recovery(killRate: number, role: "successor" | "last"): Casting {
    const victim = this.#victim({ ticks: this.#below(3), flushes: true, closes: true, flood: false, role });
    const kill = this.#happens(killRate) ? this.#kill(victim, false) : undefined;
    return { victim, kill, startAfterMs: 0 };
  }

  #victim({
    ticks,
    flushes,
    closes,
    flood,
    role,
  }: {
    readonly ticks: number;
    readonly flushes: boolean;
    readonly closes: boolean;
    readonly flood: boolean;
    readonly role: Role;
  }): VictimPlan {
    this.#victims += 1;
    const name = `${this.#options.prefix}.${this.#victims}`;
    const publishers = Array.from({ length: this.#happens(0.15) ? 2 : 1 }, () => this.#publisher(flood, role));
    return {
      name,
      seed: this.#below(2 ** 31),
      directory: this.#directory,
      journal: `${this.#directory}.${name}.journal`,
      publishers,
      ticks: Array.from({ length: ticks }, (_, index) => this.#tick(publishers.length, flood && index === 0)),
      sentBusyMs: this.#pick([0, 0, 5]),
      flushes,
      closes,
      flushDeadlineMs: this.#flushDeadlineMs(role),
      closeDeadlineMs: this.#pick([50, 500]),
    };
  }

  /** Some agents leave what they have to others. */
  #flushDeadlineMs(role: Role): number {
    if (role === "last") return LAST_DEADLINE_MS;
    const { flushDeadlineMs } = this.#options;
    return role === "successor" ? flushDeadlineMs : this.#pick([200, flushDeadlineMs]);
  }

  #tick(publishers: number, flood: boolean): TickPlan {
    const maxTextBytes = flood ? 100 : this.#pick([200, 200, 2_000, 2_000, 20_000, 300_000]);
    // Many long ones would keep the processes busy with nothing but their bytes.
    const maxEvents = maxTextBytes > 2_000 ? 8 : this.#pick([1, 10, 100]);
    return {
      publisher: this.#below(publishers),
      events: flood ? FLOOD_EVENTS : 1 + this.#below(maxEvents),
      maxTextBytes,
      busyMs: this.#pick([0, 0, 2, 10]),
      pauseMs: this.#pick([0, 0, 1, 5, 30]),
      inMicrotask: this.#happens(0.3),
    };
  }

  #publisher(flood: boolean, role: Role): PublisherPlan {
    return {
      lingerMs: this.#pick([0, 1, 5, 20, 200]),
      // A flood in small messages keeps the broker busy for a minute, and shows nothing more.
      maxBatchBytes: this.#pick(flood ? [50_000, 1_000_000] : [2_000, 50_000, 1_000_000, 1_000_000]),
      maxBatchEvents: flood ? 1_000 : this.#pick([1, 7, 500, 500, 5_000]),
      maxQueuedBytes: this.#pick([50_000, 64 * 1024 * 1024]),
      maxInFlight: role === "agent" ? this.#pick([1, 8]) : 8,
      // Not enough for a large message on a busy machine: it is stored, and sent again and again.
      publishDeadlineMs: role === "last" ? 10_000 : this.#pick([300, 10_000]),
      compression: this.#pick(["zstd", "gzip", "none"]),
    };
  }

  #kill({ ticks, flushes, closes }: VictimPlan, flood: boolean): KillPlan {
    const stages: Stage[] = ["begin", "open", "publish", "publish", "sent", "sent", "sent"];
    if (ticks.length > 0) stages.push("log", "log", "tick", "tick", "tick");
    if (flushes) stages.push("flush");
    stages.push(closes ? "close" : "idle");
    const stage = this.#pick<Stage>(flood ? ["log", "tick"] : stages);
    const isTick = stage === "log" || stage === "tick";
    const many = isTick ? ticks.length : stage === "publish" || stage === "sent" ? 4 : 1;
    return {
      stage,
      occurrence: flood ? 1 : 1 + this.#below(many),
      afterMs: this.#pick([0, 0, this.#below(4), this.#below(30), this.#below(flood ? 100 : 300)]),
      // It takes a while until the first message is on its way, or 10,000 texts are made.
      maxLifeMs:
        !flood && (isTick || stage === "begin" || stage === "open")
          ? 150 + this.#below(800)
          : 1_200 + this.#below(1_500),
    };
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #happens(rate: number): boolean {
    return this.#random() < rate;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }
}
