import { eventColumns, tables, type Event, type TableName } from "@indelible/schemas/tables.ts";
import fc from "fast-check";
import { eventsOf } from "./samples.ts";

/** Values that JSON cannot carry, or that a faster way of writing might write otherwise. */
export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, -0, 0, NaN, Infinity, 2n ** 53n, 7n, true, "", Symbol("s"), () => 1),
  fc.constantFrom<unknown>(new Date(0), new Date(NaN), new String("boxed"), new Number(-0), [undefined, -0], [], {}),
  // Half a surrogate pair, and texts that merely look like the escape of one.
  fc.constantFrom("\ud800", "a\udc00", "\\ud800", "\\\\udfff", '"\\ud83d\\ude00"', "😀", "\u2028\u0000\u007f"),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: "grapheme", minLength: 495, maxLength: 505 }),
  fc.constantFrom("x".repeat(600), "😀".repeat(501), `${"a".repeat(499)}😀😀`, `${"a".repeat(500)}\ud800`),
  fc.constantFrom<unknown>({ toJSON: () => "text" }, { toJSON: () => undefined }, { b: 1, a: { d: -1, c: [null] } }),
  fc.constantFrom<unknown>(dateWritten({ b: 1, a: 2 }), dateWritten(-0), dateWritten("\ud800"), dateWritten(undefined)),
  fc.anything({ withDate: true, withBigInt: true, withNullPrototype: true, maxDepth: 2 }),
);

/** A date whose owner has his own opinion of how dates are written. */
function dateWritten(json: unknown): Date {
  return Object.assign(new Date(0), { toJSON: () => json });
}

/** Arbitrary events of a table, some of whose columns, and some that it does not have, hold anything at all. */
export function oddEventsOf(name: TableName): fc.Arbitrary<Event> {
  const columns = Object.keys(eventColumns(tables[name]));
  const key = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...columns) },
    { weight: 1, arbitrary: fc.constantFrom("unknown", "__proto__", "toJSON", "constructor", "\ud800", "0") },
  );
  return fc
    .tuple(eventsOf(name), fc.array(fc.tuple(key, oddValue), { maxLength: 3 }))
    .map(([event, odd]) => odd.reduce((all, [key, value]) => withOwn(all, key, value), event));
}

/** A copy with one more property of its own, `__proto__` included. */
function withOwn(event: Event, key: string, value: unknown): Event {
  return Object.defineProperty({ ...event }, key, { value, enumerable: true, writable: true, configurable: true });
}

type Dress = (event: Event) => Event;

/** The same members in objects of other kinds. */
const dresses: readonly Dress[] = [
  (event) => event,
  (event) => Object.freeze({ ...event }),
  (event) => Object.assign(Object.create(null) as object, event),
  (event) => new Proxy({ ...event }, {}),
  (event) => ({ ...event, [Symbol("hidden")]: 1 }),
  (event) => {
    class Instance {
      get action_target(): string {
        return "of the class";
      }
      get status(): string {
        return "of the class";
      }
    }
    return Object.assign(new Instance(), without(event, ["action_target", "status"]));
  },
  (event) => Object.assign(Object.create({ business_id: "inherited", inherited: 1 }) as object, event),
  (event) => {
    const accessors = Object.entries(event).map(([key, value]) => [key, { get: () => value, enumerable: true }]);
    return Object.defineProperties({}, Object.fromEntries(accessors) as PropertyDescriptorMap);
  },
];

function without(event: Event, keys: readonly string[]): Event {
  return Object.fromEntries(Object.entries(event).filter(([key]) => !keys.includes(key)));
}

export const dress: fc.Arbitrary<Dress> = fc.constantFrom(...dresses);
