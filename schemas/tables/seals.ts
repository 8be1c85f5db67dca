export const seals = {
  name: "seals",
  version: 2,
  kind: "system",
  description: "One entry for each table and closed window of `ingested_at`: the Merkle root of its rows.",
  entity: "seal_id",
  occurredAt: "sealed_at",
  clusterBy: ["table_name"],
  retentionYears: 7,
  columns: {
    seal_id: {
      type: "string",
      required: true,
      maxLength: 256,
      description: "Identity of the seal: the origin of its log and its position there, as `origin#log_index`.",
    },
    table_name: { type: "string", required: true, maxLength: 256, description: "The table that is sealed." },
    window_start: { type: "timestamp", required: true, description: "First `ingested_at` in the window, inclusive." },
    window_end: { type: "timestamp", required: true, description: "End of the window, exclusive." },
    row_count: { type: "int64", required: true, minimum: 0, description: "Rows in the window." },
    root_hash: { type: "string", required: true, maxLength: 64, description: "RFC 6962 root over the rows, in hex." },
    log_index: { type: "int64", required: true, minimum: 0, description: "Position of this seal in the seal log." },
    sealed_at: { type: "timestamp", required: true, description: "When it was sealed." },
    checkpoint_number: {
      type: "int64",
      minimum: 0,
      description: "Number of the first checkpoint that covers this seal. Null in version 1.",
    },
    read_session: {
      type: "string",
      maxLength: 1024,
      description:
        "The read that the sealer saw the window by: `log_access_audit` must know it, or the access audit is not working.",
    },
  },
} as const;
