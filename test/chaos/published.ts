import type { ErrorCode } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";

/** What must become of one event of a message. `dataHash` is the SHA-256 of the bytes as they were sent. */
export type ExpectedEvent =
  /** An entry, with the hash of its canonical form. */
  | {
      readonly kind: "entry";
      readonly index: number;
      readonly logId: string;
      readonly entryHash: string;
      readonly dataHash: string;
    }
  /** An entry whose `log_id`, and so its hash, depends on the ID that Pub/Sub gives to the message. */
  | { readonly kind: "anonymous"; readonly index: number; readonly event: Event; readonly dataHash: string }
  /** A dead letter; without an index, of the whole message. */
  | {
      readonly kind: "fault";
      readonly index: number | undefined;
      readonly reason: ErrorCode;
      readonly dataHash: string;
    };

/** A message to be published. Its number is also its attribute `publication`, which no fault of its data can hide. */
export interface Publication {
  readonly number: number;
  readonly table: TableName;
  readonly data: Buffer;
  readonly attributes: { readonly [name: string]: string };
  readonly events: readonly ExpectedEvent[];
}

/** A message that the broker acknowledged. */
export interface Published {
  readonly number: number;
  readonly table: TableName;
  readonly events: readonly ExpectedEvent[];
  /** The ID that it was acknowledged under. */
  readonly messageId: string;
  /** How often it was sent: every attempt before the last may have been stored too, under an ID of its own. */
  readonly attempts: number;
}
