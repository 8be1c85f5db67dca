export const deadLetters = {
  name: "dead_letters",
  version: 2,
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
    reason_pattern: {
      type: "string",
      maxLength: 4096,
      description: "`reason_detail` with placeholders for names, numbers and times: what to group failures by.",
    },
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
    source_log_id: {
      type: "string",
      maxLength: 1024,
      description:
        "The event's `log_id`, or, where it has none that can be read, the one that it gets when it is accepted: a replay becomes the entry of this ID. Null: the whole message.",
    },
    source_attributes: { type: "json", description: "The attributes of that message; of several parts, merged." },
    replay_of: {
      type: "string",
      maxLength: 36,
      description: "The dead letter that this one was a replay of: the replay has failed again.",
    },
    origin_message_id: {
      type: "string",
      maxLength: 128,
      description: "Of a failed replay: the message that the event came in at first.",
    },
    origin_index: { type: "int64", minimum: 0, description: "Of a failed replay: its position in that message." },
    part: {
      type: "int64",
      minimum: 1,
      description:
        "Large data is split: the parts, from 1, are rows with the same source, and the data of all of them is one after the other. Null: all is in this row.",
    },
    parts: { type: "int64", minimum: 1, description: "How many parts there are." },
    data: { type: "string", maxLength: 10_000_000, description: "The original bytes, when they are UTF-8." },
    data_base64: { type: "string", maxLength: 14_000_000, description: "The original bytes, when they are not UTF-8." },
    data_bytes: {
      type: "int64",
      required: true,
      minimum: 0,
      description:
        "How many bytes of the original this row holds. In rows of version 1 the data may be missing all the same.",
    },
  },
} as const;
