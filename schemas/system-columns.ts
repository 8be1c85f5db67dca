/** The columns that every table has beside its own. */

/** Set by the publisher and part of the event, hence of `entry`. All may be missing: any language may publish. */
export const stampedColumns = {
  log_id: {
    type: "string",
    format: "uuid",
    maxLength: 36,
    description:
      "Identity of this entry, which dedup goes by: a lower-case UUID, version 7 from our publisher. Left out, it is derived from the Pub/Sub message ID, so that redelivery gives the same one.",
  },
  logged_at: { type: "timestamp", description: "The agent's clock when it logged this." },
  publisher_id: {
    type: "string",
    maxLength: 128,
    description: "The publisher process that logged this; with `seq` it shows whether anything is missing.",
  },
  seq: {
    type: "int64",
    minimum: 1,
    description: "One counter for each publisher process, from 1, without gaps, over all tables.",
  },
} as const;

/** Set on the way, never by the agent, and so not part of `entry`. */
export const recordedColumns = {
  published_at: {
    type: "timestamp",
    required: true,
    description: "Pub/Sub's clock when it took the message: the agent cannot forge it.",
  },
  message_id: { type: "string", required: true, maxLength: 128, description: "The Pub/Sub message this came in." },
  ingested_at: {
    type: "timestamp",
    required: true,
    description:
      "The subscriber's clock at the append; the partition column, because retention must go by a clock that agents cannot set.",
  },
  schema_version: {
    type: "int64",
    required: true,
    minimum: 1,
    description: "Version of the declaration that the event was validated by.",
  },
  entry: {
    type: "string",
    required: true,
    maxLength: 10_000_000,
    description:
      "The event as canonical JSON (RFC 8785): the exact bytes that were hashed. The truth; the typed columns are its projection.",
  },
  entry_hash: {
    type: "string",
    required: true,
    maxLength: 64,
    description: "Lower-case hex SHA-256 of `entry` as UTF-8.",
  },
} as const;
