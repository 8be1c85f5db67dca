export const deadLetterReviews = {
  name: "dead_letter_reviews",
  version: 1,
  kind: "system",
  description: "What ops decided about a dead letter; its state is derived from these.",
  entity: "review_id",
  occurredAt: "reviewed_at",
  clusterBy: ["dead_letter_id"],
  retentionYears: 7,
  columns: {
    review_id: { type: "string", required: true, maxLength: 256, description: "Identity of the review." },
    dead_letter_id: { type: "string", required: true, maxLength: 36, description: "The dead letter it is about." },
    reviewed_at: { type: "timestamp", required: true, description: "When." },
    reviewer: { type: "string", required: true, maxLength: 1024, description: "Who." },
    decision: { type: "string", required: true, enum: ["replay", "discard"], description: "What was decided." },
    patch: { type: "json", description: "The JSON Patch (RFC 6902) that was applied before a replay." },
    note: { type: "string", maxLength: 65_536, description: "Why." },
  },
} as const;
