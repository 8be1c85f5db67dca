import { IndelibleError } from "@indelible/schemas/errors.ts";
import type { Event, TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import type { Fault, Line } from "./decode.ts";

/** An event that fits the declaration of its table, and the text that it came as. */
export interface ValidEvent {
  readonly index: number;
  readonly text: string;
  readonly event: Event;
}

/**
 * Parses each text and holds it against the declaration of `table`. What does not fit is added to `faults`.
 *
 * @param isReport whether somebody published the events, rather than that they were made of the warehouse's own records
 */
export function validate(table: TableName, lines: readonly Line[], faults: Fault[], isReport = true): ValidEvent[] {
  const valid: ValidEvent[] = [];
  for (const { index, text } of lines) {
    try {
      const event = parse(text);
      assertEvent(table, event);
      if (isReport && table === "log_access_audit") assertReporter(event);
      valid.push({ index, text, event });
    } catch (error) {
      faults.push(faultOf(index, text, error));
    }
  }
  return valid;
}

/** A read without a reporter is one that the warehouse itself has told of. */
function assertReporter({ publisher_id }: Event): void {
  if (typeof publisher_id === "string") return;
  throw new IndelibleError(
    "ERR_INVALID_EVENT",
    "a read that somebody reports must have a publisher_id: without one it would pass for a record of the warehouse's",
  );
}

/** The fault of one event. An error that is not of our family is a bug, and no reason to drop an event: it is thrown on. */
export function faultOf(index: number, text: string, error: unknown): Fault {
  if (!IndelibleError.is(error) || error.retryable) throw error;
  return { index, data: Buffer.from(text), code: error.code, detail: error.message };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8's message quotes the text, which belongs into the dead letter's data and nowhere else.
    const position = /position \d+/.exec(String(error))?.[0];
    throw new IndelibleError("ERR_NOT_JSON", `the event is not JSON${position === undefined ? "" : `: ${position}`}`, {
      cause: error,
    });
  }
}
