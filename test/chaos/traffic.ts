import { gzipSync, zstdCompressSync } from "node:zlib";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { entryHash } from "@indelible/schemas/entry.ts";
import type { ErrorCode } from "@indelible/schemas/errors.ts";
import type { Event } from "@indelible/schemas/tables.ts";
import { seededRandom, type Random } from "../../local/random.ts";
import { changed, chaosTables, eventOf, looselyWritten, spoiled, withNanoseconds, type ChaosTable } from "./events.ts";
import { sha256 } from "./sha256.ts";
import type { ExpectedEvent, Publication } from "./published.ts";

export interface TrafficOptions {
  readonly seed: number;
  /** Events to make, about: the last message is not cut. */
  readonly events: number;
  /** Events that one message holds at most. */
  readonly maxEventsPerMessage: number;
}

/** A line of a message, and what is to become of it. */
interface Line {
  readonly data: Buffer;
  readonly expect: (index: number) => ExpectedEvent;
}

interface Entry {
  readonly table: ChaosTable;
  readonly event: Event;
}

/** What is kept of the past, to be sent again: some of the newest and some of any age. */
const MAX_REMEMBERED = 1000;

/** The messages of a run, the same for the same options. */
export function* traffic(options: TrafficOptions): Generator<Publication> {
  const source = new Traffic(options);
  for (let number = 0, events = 0; events < options.events; number += 1) {
    const publication = source.next(number);
    events += publication.events.length;
    yield publication;
  }
}

class Traffic {
  readonly #random: Random;
  readonly #maxEventsPerMessage: number;
  readonly #entries: Entry[] = [];
  readonly #publications: Publication[] = [];
  #previous: Publication | undefined;
  #serial = 0;

  constructor({ seed, maxEventsPerMessage }: TrafficOptions) {
    this.#random = seededRandom(seed, "traffic");
    this.#maxEventsPerMessage = maxEventsPerMessage;
  }

  next(number: number): Publication {
    const attributes = { publication: String(number) };
    const repetition = this.#random();
    if (repetition < 0.1) {
      // The one before is likely to be on its way still when this one is delivered.
      const earlier = repetition < 0.07 ? this.#previous : this.#any(this.#publications);
      if (earlier !== undefined) {
        const { publication: _, ...format } = earlier.attributes;
        return { ...earlier, number, attributes: { ...attributes, ...format } };
      }
    }
    const table = this.#any(chaosTables) as ChaosTable;
    if (this.#happens(0.03)) return this.#wholeFault(number, table, attributes);
    const publication = this.#happens(0.3)
      ? this.#message(number, table, attributes, [this.#line(table)])
      : this.#packed(number, table, attributes);
    this.#remember(this.#publications, publication);
    this.#previous = publication;
    return publication;
  }

  /** A message that cannot be taken apart. */
  #wholeFault(number: number, table: ChaosTable, attributes: { readonly publication: string }): Publication {
    const fault = (data: Buffer, reason: ErrorCode, more: object = {}): Publication => ({
      number,
      table,
      data,
      attributes: { ...attributes, ...more },
      events: [{ kind: "fault", index: undefined, reason, dataHash: sha256(data) }],
    });
    const text = Buffer.from(canonicalize(eventOf(table, this.#serial++, this.#random)));
    switch (Math.floor(this.#random() * 5)) {
      case 0:
        return fault(Buffer.alloc(0), "ERR_EMPTY");
      case 1:
        return fault(Buffer.from("\n \n\n"), "ERR_EMPTY", { format: "ndjson" });
      case 2:
        return fault(text, "ERR_UNKNOWN_ENCODING", { encoding: "rot13" });
      case 3:
        return fault(gzipSync(text).subarray(0, -1), "ERR_CORRUPT_DATA", { encoding: "gzip" });
      default:
        return fault(text, "ERR_UNKNOWN_ENCODING", { format: "xml" });
    }
  }

  #packed(number: number, table: ChaosTable, attributes: { readonly publication: string }): Publication {
    const count = 1 + Math.floor(this.#random() * this.#maxEventsPerMessage);
    const lines = Array.from({ length: count }, () => this.#line(table));
    const message = this.#message(number, table, { ...attributes, format: "ndjson" }, lines);
    const style = this.#random();
    if (style < 0.6) return message;
    const [encoding, compress] = style < 0.8 ? (["gzip", gzipSync] as const) : (["zstd", zstdCompressSync] as const);
    return { ...message, data: compress(message.data), attributes: { ...message.attributes, encoding } };
  }

  #message(
    number: number,
    table: ChaosTable,
    attributes: Publication["attributes"],
    lines: readonly Line[],
  ): Publication {
    // A blank line is nothing, and has no position.
    const parts = lines.flatMap(({ data }, index) => (index === 0 ? [data] : [this.#lineEnd(), data]));
    const events = lines.map(({ expect }, index) => expect(index));
    return { number, table, data: Buffer.concat(parts), attributes, events };
  }

  #lineEnd(): Buffer {
    return Buffer.from(this.#happens(0.05) ? "\n\n" : "\n");
  }

  #line(table: ChaosTable): Line {
    const dice = this.#random();
    if (dice < 0.03) return this.#badLine(table);
    if (dice < 0.06) return this.#anonymousLine(table);
    const earlier = dice < 0.1 ? this.#any(this.#entries.filter((entry) => entry.table === table)) : undefined;
    if (earlier !== undefined) {
      const again = dice < 0.085 ? earlier.event : changed(table, earlier.event, this.#serial++);
      return this.#entryLine(table, again);
    }
    const event = { ...eventOf(table, this.#serial, this.#random), log_id: this.#logId() };
    this.#serial += 1;
    this.#remember(this.#entries, { table, event });
    return this.#entryLine(table, event);
  }

  #entryLine(table: ChaosTable, event: Event): Line {
    const style = this.#random();
    const { sent, stored } = style < 0.02 ? withNanoseconds(table, event) : { sent: event, stored: event };
    const data = Buffer.from(style < 0.05 ? looselyWritten(sent) : canonicalize(sent));
    const hash = entryHash(canonicalize(stored));
    const logId = String(event["log_id"]);
    const dataHash = sha256(data);
    return { data, expect: (index) => ({ kind: "entry", index, logId, entryHash: hash, dataHash }) };
  }

  #anonymousLine(table: ChaosTable): Line {
    const event = eventOf(table, this.#serial++, this.#random);
    const data = Buffer.from(canonicalize(event));
    const dataHash = sha256(data);
    return { data, expect: (index) => ({ kind: "anonymous", index, event, dataHash }) };
  }

  #badLine(table: ChaosTable): Line {
    const event = { ...eventOf(table, this.#serial++, this.#random), log_id: this.#logId() };
    const { data, reason } = spoiled(table, event, this.#random);
    const dataHash = sha256(data);
    return { data, expect: (index) => ({ kind: "fault", index, reason, dataHash }) };
  }

  #logId(): string {
    const hex = (digits: number): string =>
      Math.floor(this.#random() * 16 ** digits)
        .toString(16)
        .padStart(digits, "0");
    return `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${this.#serial.toString(16).padStart(12, "0")}`;
  }

  #happens(rate: number): boolean {
    return this.#random() < rate;
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #remember<T>(list: T[], value: T): void {
    if (list.length < MAX_REMEMBERED) list.push(value);
    else list[Math.floor(this.#random() * MAX_REMEMBERED)] = value;
  }
}
