export const deadLetters = {
  name: "dead_letters",
  version: 1,
  kind: "system",
  description: "What could not be accepted, byte for byte, with the reason; reviewed by ops.",
  entity: "dead_letter_id",
  occurredAt: "source_published_at",
  clusterBy: ["reason", "source_table"],
  retentionYears: 1,
  columns: {
    dead_letter_id: {
      type: "string",
      required: true,
      maxLength: 36,
      description:
        "Identity: derived from the source message and the event's position in it, so that a retry gives the same one.",
    },
    reason: { type: "string", required: true, maxLength: 64, description: "A stable code, as in docs/errors.md." },
    reason_detail: { type: "string", maxLength: 4096, description: "What exactly was wrong." },
    source_table: { type: "string", maxLength: 256, description: "The table it was meant for." },
    source_message_id: {
      type: "string",
      required: true,
      maxLength: 128,
      description: "The Pub/Sub message it came in.",
    },
    source_published_at: { type: "timestamp", required: true, description: "When Pub/Sub took that message." },
    source_index: {
      type: "int64",
      minimum: 0,
      description: "Position of the event in that message, from 0; null: the whole message.",
    },
    source_log_id: { type: "string", maxLength: 1024, description: "The event's `log_id`, where it could be read." },
    source_attributes: { type: "json", description: "The attributes of that message." },
    data: { type: "string", maxLength: 10_000_000, description: "The original bytes, when they are UTF-8." },
    data_base64: { type: "string", maxLength: 14_000_000, description: "The original bytes, when they are not UTF-8." },
    data_bytes: {
      type: "int64",
      required: true,
      minimum: 0,
      description:
        "How many bytes there were. What is too large for a row is in neither `data` column: the safety-net subscription keeps it, under `message_id`.",
    },
  },
} as const;
