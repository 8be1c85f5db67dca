import { seededRandom, type Random } from "./random.ts";

/** What can go wrong in a server: its points, and the kinds of faults that each can suffer. */
export interface FaultPoints {
  readonly [point: string]: readonly string[];
}

/** A fault that the server is to suffer now. */
export interface Fault<Kind extends string> {
  readonly kind: Kind;
  /** How long a delay lasts. */
  readonly delayMs: number;
  /** A whole number from 0 and below `count`. */
  pick(count: number): number;
}

/** Told of each fault. */
export type FaultListener = (point: string, kind: string) => void;

/** One kind at one point. */
interface Chance {
  readonly kind: string;
  readonly rate: number;
  /** Numbers of the questions, from 0, at which it happens in any case. */
  readonly at: ReadonlySet<number>;
  readonly maxDelayMs: number;
}

interface Point {
  readonly chances: readonly Chance[];
  readonly random: Random;
  asked: number;
}

const DEFAULT_MAX_DELAY_MS = 100;

/**
 * A source of faults, which a server asks at its named points. The answers depend on the seed, the point and the number of
 * the question alone. A server without one has no faults and does not ask.
 */
export class Faults<Points extends FaultPoints> {
  readonly #points = new Map<string, Point>();
  readonly #listener: FaultListener;

  /**
   * @param settings such as `{"seed": 7, "publish": {"refuse": 0.01, "delay": {"rate": 0.1, "at": [0], "maxDelayMs": 500}}}`: a
   *   rate from 0 to 1 for each kind, or an object with any of a rate, the numbers of the questions at which it happens in any case, and the
   *   longest delay (default 100 ms). A question is answered by one fault at most. Default seed: 0.
   * @throws {Error} for what is not among `points`, and for rates that are none or exceed 1 together.
   */
  constructor(settings: unknown, points: Points, listener: FaultListener = () => {}) {
    this.#listener = listener;
    const { seed = 0, ...settingsOfPoints } = object(settings, "The faults");
    if (typeof seed !== "number" || !Number.isSafeInteger(seed)) throw new Error("The seed must be a whole number.");
    for (const [point, kinds] of Object.entries(settingsOfPoints)) {
      const known = Object.hasOwn(points, point) ? points[point] : undefined;
      if (known === undefined) throw new Error(`There is no fault point ${JSON.stringify(point)}: ${listed(points)}`);
      const chances = Object.entries(object(kinds, point)).map(([kind, chance]) => {
        if (known.includes(kind)) return chanceOf(point, kind, chance);
        throw new Error(`${point} has no fault ${JSON.stringify(kind)}: ${listed(points)}`);
      });
      if (chances.reduce((sum, { rate }) => sum + rate, 0) > 1 + 1e-9) {
        throw new Error(`The rates of ${point} exceed 1 together.`);
      }
      this.#points.set(point, { chances, random: seededRandom(seed, point), asked: 0 });
    }
  }

  /** The fault to suffer at `point` now; undefined: none. */
  at<Name extends keyof Points & string>(name: Name): Fault<Points[Name][number]> | undefined {
    const point = this.#points.get(name);
    if (point === undefined) return undefined;
    const question = point.asked++;
    let left = point.random();
    const chance = point.chances.find(({ rate, at }) => at.has(question) || (left -= rate) < 0);
    if (chance === undefined) return undefined;
    this.#listener(name, chance.kind);
    const pick = (count: number): number => Math.floor(point.random() * count);
    return { kind: chance.kind, delayMs: 1 + pick(chance.maxDelayMs), pick };
  }
}

/** The points and kinds of a server, for its usage text. */
export function listed(points: FaultPoints): string {
  return Object.entries(points)
    .map(([point, kinds]) => `${point} (${kinds.join(", ")})`)
    .join("; ");
}

/**
 * The faults that the option `--faults` asks for; undefined without it.
 * @throws {Error} when they are not JSON, or not such as `Faults` takes.
 */
export function faultsOfOption<Points extends FaultPoints>(
  option: string | undefined,
  points: Points,
  listener: FaultListener,
): Faults<Points> | undefined {
  if (option === undefined) return undefined;
  let settings: unknown;
  try {
    settings = JSON.parse(option);
  } catch (error) {
    throw new Error("--faults must be JSON.", { cause: error });
  }
  return new Faults(settings, points, listener);
}

function chanceOf(point: string, kind: string, setting: unknown): Chance {
  const name = `${point}.${kind}`;
  const given = typeof setting === "number" ? { rate: setting } : object(setting, name);
  const { rate = 0, at = [], maxDelayMs = DEFAULT_MAX_DELAY_MS, ...unknown } = given;
  const [first] = Object.keys(unknown);
  if (first !== undefined) {
    throw new Error(`${name} has no setting ${JSON.stringify(first)}: it has rate, at and maxDelayMs.`);
  }
  if (typeof rate !== "number" || !(rate >= 0 && rate <= 1)) throw new Error(`The rate of ${name} must be 0 to 1.`);
  if (!Array.isArray(at) || !at.every(isCount)) throw new Error(`${name}.at must be a list of whole numbers.`);
  if (!isCount(maxDelayMs) || maxDelayMs === 0) throw new Error(`${name}.maxDelayMs must be a whole number above 0.`);
  return { kind, rate, at: new Set(at), maxDelayMs };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function object(value: unknown, name: string): { readonly [key: string]: unknown } {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as { [key: string]: unknown };
  throw new Error(`${name} must be an object in JSON.`);
}
