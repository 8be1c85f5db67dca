/**
 * The error family. `retryable` is the only thing that ack or nack depends on: a fault that is not retryable is a dead
 * letter, a retryable one is left to Pub/Sub. The codes are stable: they stand in dead letters, logs and exit messages.
 */

interface ErrorKind {
  readonly retryable: boolean;
  readonly meaning: string;
  readonly hint: string;
}

interface ErrorKinds {
  readonly ERR_ACCESS_DENIED: ErrorKind;
  readonly ERR_APPEND_OUTCOME_UNKNOWN: ErrorKind;
  readonly ERR_APPEND_REFUSED: ErrorKind;
  readonly ERR_CHECKPOINT: ErrorKind;
  readonly ERR_CLOCK: ErrorKind;
  readonly ERR_CLOSED: ErrorKind;
  readonly ERR_CONFIG: ErrorKind;
  readonly ERR_CORRUPT_DATA: ErrorKind;
  readonly ERR_DEADLINE: ErrorKind;
  readonly ERR_DELIVERY_ATTEMPTS: ErrorKind;
  readonly ERR_DUPLICATE_KEY: ErrorKind;
  readonly ERR_EMPTY: ErrorKind;
  readonly ERR_INTEGRATION: ErrorKind;
  readonly ERR_INVALID_EVENT: ErrorKind;
  readonly ERR_KEY: ErrorKind;
  readonly ERR_LONE_SURROGATE: ErrorKind;
  readonly ERR_LOSSY_NUMBER: ErrorKind;
  readonly ERR_MESSAGE_REFUSED: ErrorKind;
  readonly ERR_NOT_FOUND: ErrorKind;
  readonly ERR_NOT_JSON: ErrorKind;
  readonly ERR_NOT_UTF8: ErrorKind;
  readonly ERR_PATCH: ErrorKind;
  readonly ERR_PROOF: ErrorKind;
  readonly ERR_PUBLISH: ErrorKind;
  readonly ERR_QUERY: ErrorKind;
  readonly ERR_QUEUE_FULL: ErrorKind;
  readonly ERR_READ: ErrorKind;
  readonly ERR_REDACTION: ErrorKind;
  readonly ERR_ROW_REFUSED: ErrorKind;
  readonly ERR_SEAL_CONFLICT: ErrorKind;
  readonly ERR_SERVICE_DIED: ErrorKind;
  readonly ERR_SPOOL: ErrorKind;
  readonly ERR_SPOOL_DAMAGED: ErrorKind;
  readonly ERR_STORE: ErrorKind;
  readonly ERR_TOO_DEEP: ErrorKind;
  readonly ERR_TOO_LARGE: ErrorKind;
  readonly ERR_TRANSCRIPT: ErrorKind;
  readonly ERR_UNCONFIRMED: ErrorKind;
  readonly ERR_UNEXPLAINED: ErrorKind;
  readonly ERR_UNKNOWN_ENCODING: ErrorKind;
  readonly ERR_UNKNOWN_FIELD: ErrorKind;
  readonly ERR_UNSERIALIZABLE: ErrorKind;
  readonly ERR_UNSTABLE: ErrorKind;
}

export type ErrorCode = keyof ErrorKinds;

/** Every code with what it means and what to do about it; docs/errors.md is written from this. */
export const errorKinds: ErrorKinds = {
  ERR_ACCESS_DENIED: {
    retryable: false,
    meaning: "The warehouse refuses this to your role.",
    hint: "Roles and what they may do are in SECURITY.md; on one machine, the token of a role is in access.json of the data folder.",
  },
  ERR_APPEND_OUTCOME_UNKNOWN: {
    retryable: true,
    meaning: "An append failed in a way that leaves open whether its rows were written.",
    hint: "Nothing to do: Pub/Sub delivers again, and an entry that was written twice is one entry in the history view.",
  },
  ERR_APPEND_REFUSED: {
    retryable: true,
    meaning: "BigQuery refused an append as a whole: the table is missing, its schema differs, or a right is missing.",
    hint: "Compare the table with the declaration and the subscriber's role with docs/operate.md; messages wait in Pub/Sub meanwhile.",
  },
  ERR_CHECKPOINT: {
    retryable: false,
    meaning: "A checkpoint, its signatures, or a proof about it does not hold.",
    hint: "Do not seal on top of it. Run `indelible verify`: it names what differs and where.",
  },
  ERR_CLOCK: {
    retryable: false,
    meaning: "The clock stands before what has been sealed already.",
    hint: "Set the clock of the sealer right; nothing is sealed until then, and nothing is lost.",
  },
  ERR_CLOSED: {
    retryable: false,
    meaning: "An event was logged after the publisher was closed.",
    hint: "Close the publisher after the last event, or create another one.",
  },
  ERR_CONFIG: {
    retryable: false,
    meaning: "A setting is missing or cannot be used.",
    hint: "The message names the setting and what it accepts.",
  },
  ERR_CORRUPT_DATA: {
    retryable: false,
    meaning:
      "The data is not what the message's `encoding` attribute says: not gzip or zstd, cut short, or followed by something else.",
    hint: "Compress the whole data once, set `encoding` to what was used, and send nothing behind it.",
  },
  ERR_DEADLINE: {
    retryable: true,
    meaning: "Something did not answer within its deadline.",
    hint: "Look at the service that the message names; what was waiting is tried again.",
  },
  ERR_DELIVERY_ATTEMPTS: {
    retryable: false,
    meaning: "Pub/Sub gave up on a message after its last delivery attempt.",
    hint: "Find out why the subscriber did not acknowledge it (its log names the message ID), then: indelible dlq replay --reason ERR_DELIVERY_ATTEMPTS.",
  },
  ERR_DUPLICATE_KEY: {
    retryable: false,
    meaning: "A JSON object has the same key twice, so readers would disagree about its value.",
    hint: "Send each key once.",
  },
  ERR_EMPTY: {
    retryable: false,
    meaning: "The message holds no event.",
    hint: "Put one JSON object into `data`, or several lines of them with the attribute format=ndjson.",
  },
  ERR_INTEGRATION: {
    retryable: false,
    meaning:
      "An integration could not make an event of what its host library gave it. The host's own call is not affected.",
    hint: "Compare the host library's version with docs/integrations.md; if it is one that is named there, please report it.",
  },
  ERR_INVALID_EVENT: {
    retryable: false,
    meaning: "The event does not fit the declaration of its table.",
    hint: "Compare it with docs/tables.md or schemas/json/; the detail names the field.",
  },
  ERR_KEY: {
    retryable: false,
    meaning: "A signing key or a list of keys cannot be used.",
    hint: "The message says what is wrong with it; SPEC.md has the form of keys.",
  },
  ERR_LONE_SURROGATE: {
    retryable: false,
    meaning: "A text holds half of a surrogate pair, which UTF-8 cannot carry.",
    hint: "Cut texts between characters, not between UTF-16 code units (in JavaScript: text.toWellFormed()).",
  },
  ERR_LOSSY_NUMBER: {
    retryable: false,
    meaning: "A number is not exactly what a JSON reader would make of it: beyond 2^53, too many digits, or -0.",
    hint: "Send such numbers as strings.",
  },
  ERR_MESSAGE_REFUSED: {
    retryable: false,
    meaning: "Pub/Sub will never take a message: it calls the request itself invalid.",
    hint: "The cause says why: compare the project, the topic prefix, and the schema settings of the topic.",
  },
  ERR_NOT_FOUND: {
    retryable: false,
    meaning: "There is no entry, conversation, dead letter, group or job with this ID, or several begin with it.",
    hint: "Copy the ID from what lists it; a beginning is enough when no other ID begins with it.",
  },
  ERR_NOT_JSON: {
    retryable: false,
    meaning: "The data is not JSON, or not a JSON object.",
    hint: "Send one JSON object an event; several of them need the attribute format=ndjson.",
  },
  ERR_NOT_UTF8: {
    retryable: false,
    meaning: "The data is not UTF-8.",
    hint: "Encode the JSON text as UTF-8.",
  },
  ERR_PATCH: {
    retryable: false,
    meaning: "An edit is not a JSON Patch (RFC 6902).",
    hint: 'Give an array of operations, or a file with one: [{"op":"replace","path":"/confidence_level","value":1}]',
  },
  ERR_PROOF: {
    retryable: false,
    meaning: "A proof does not show what it claims, or is none.",
    hint: "Do not rely on it. Ask for a new one: indelible prove LOG_ID.",
  },
  ERR_PUBLISH: {
    retryable: true,
    meaning: "Pub/Sub did not take a message.",
    hint: "Check that the topic exists and that the agent may publish to it; the message names both.",
  },
  ERR_QUERY: {
    retryable: false,
    meaning: "BigQuery, or the local warehouse, refused a query.",
    hint: "The message is BigQuery's own; docs/tables.md lists the columns, docs/warehouse.md what the local warehouse answers.",
  },
  ERR_QUEUE_FULL: {
    retryable: true,
    meaning: "A bounded queue is full.",
    hint: "The service behind it is slower than the producer: find out why, or raise the bound that the message names.",
  },
  ERR_READ: {
    retryable: true,
    meaning: "The warehouse could not be read.",
    hint: "The message is BigQuery's own; nothing is lost, try again.",
  },
  ERR_REDACTION: {
    retryable: false,
    meaning: "Redaction failed or did not end on an event, so that the event was held back rather than sent as it is.",
    hint: "The event is in the spool's `rejected` folder, if there is a spool. The cause names the pattern; mend it, then send the event again by `indelible emit`.",
  },
  ERR_ROW_REFUSED: {
    retryable: false,
    meaning: "BigQuery refused this row and no other of its batch.",
    hint: "The detail is BigQuery's own. Mend the table, then: indelible dlq replay --reason ERR_ROW_REFUSED.",
  },
  ERR_SEAL_CONFLICT: {
    retryable: true,
    meaning: "Another sealer has sealed meanwhile.",
    hint: "Nothing to do: what it has not sealed is sealed the next time.",
  },
  ERR_SERVICE_DIED: {
    retryable: true,
    meaning: "A local service ended unexpectedly.",
    hint: "Its last lines are printed above; start again, nothing acknowledged is lost.",
  },
  ERR_SPOOL: {
    retryable: true,
    meaning: "The publisher's spool cannot be written or read: the disk is full, or a right is missing.",
    hint: "Make room on the disk that the message names, or give the agent's account the right to write there.",
  },
  ERR_SPOOL_DAMAGED: {
    retryable: false,
    meaning:
      "Records of the publisher's spool do not have the checksum that they were written with: torn by a crash, or changed on disk.",
    hint: "Their bytes are in the spool's `quarantine` folder; what can be read of them can be sent again by `indelible emit`.",
  },
  ERR_STORE: {
    retryable: true,
    meaning: "The store of checkpoints could not be read or written.",
    hint: "Make room or give the right that the message names; nothing is sealed until then, and nothing is lost.",
  },
  ERR_TOO_DEEP: {
    retryable: false,
    meaning: "The JSON nests deeper than 500 levels, BigQuery's limit.",
    hint: "Send the deep part as a string.",
  },
  ERR_TOO_LARGE: {
    retryable: false,
    meaning: "An event or message exceeds what Pub/Sub or BigQuery can carry.",
    hint: "Store the large part elsewhere and log a reference to it.",
  },
  ERR_TRANSCRIPT: {
    retryable: false,
    meaning: "A transcript is not in the OpenAI chat-messages form.",
    hint: "Give a JSON array of messages, or of runs with their messages under messages or traj.",
  },
  ERR_UNCONFIRMED: {
    retryable: false,
    meaning: "A command that changes something has nobody to ask.",
    hint: "Look with --dry-run first, then give --yes.",
  },
  ERR_UNEXPLAINED: {
    retryable: false,
    meaning: "A message in the dead-letter topic says nothing of why it is there: somebody else published it.",
    hint: "Only the subscriber should be allowed to publish to the dead-letter topic.",
  },
  ERR_UNKNOWN_ENCODING: {
    retryable: false,
    meaning: "The message's `encoding` or `format` attribute is not one that we know.",
    hint: "Leave both out for one plain JSON event, or see SPEC.md.",
  },
  ERR_UNKNOWN_FIELD: {
    retryable: false,
    meaning: "The event has a field that its table has no column for.",
    hint: "Put free-form data into a JSON column such as action_details, or add a column to the declaration.",
  },
  ERR_UNSERIALIZABLE: {
    retryable: false,
    meaning: "An event cannot be written as JSON: a cycle, NaN, an infinite number, or a bigint beyond 2^53.",
    hint: "The message names the place; send such a value as a string.",
  },
  ERR_UNSTABLE: {
    retryable: true,
    meaning: "A closed window had other rows when it was read again before it was signed.",
    hint: "Somebody writes or deletes rows in the past. If rows only arrive late, raise the sealer's margin; the next run tries again.",
  },
};

const brand = Symbol.for("indelible.error");

export class IndelibleError extends Error {
  readonly code: ErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The command or setting that fixes it. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "IndelibleError";
    this.code = code;
    this.retryable = errorKinds[code].retryable;
    this.hint = options.hint ?? errorKinds[code].hint;
    Object.defineProperty(this, brand, { value: true });
  }

  /** True for an error of this family, even from another copy of this package. */
  static is(error: unknown): error is IndelibleError {
    return typeof error === "object" && error !== null && brand in error;
  }
}
