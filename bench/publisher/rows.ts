import type { Open } from "./contender.ts";
import { openFloor, openPino, openPinoTransport, openRawPubSub, PINO_FILE } from "./libraries.ts";
import { openOurs } from "./ours.ts";
import { openLangfuse, openLangSmith, openOtelLogs } from "./rivals.ts";

export interface Row {
  readonly title: string;
  /** What the events are sent to. */
  readonly sink: "http" | "grpc" | "file" | "none";
  readonly open: Open;
}

export type RowName =
  | "floor"
  | "ours"
  | "ours-spool"
  | "pino-null"
  | "pino-file"
  | "pino-worker"
  | "otel"
  | "pubsub"
  | "langfuse"
  | "langsmith";

/** What is compared, by the names that `--only` takes. */
export const rows: { readonly [name in RowName]: Row } = {
  floor: { title: "JSON.stringify alone (the floor)", sink: "none", open: openFloor },
  ours: { title: "**indelible**, no spool", sink: "grpc", open: (given) => openOurs(given, false) },
  "ours-spool": { title: "**indelible**, spool", sink: "grpc", open: (given) => openOurs(given, true) },
  "pino-null": { title: "pino, /dev/null", sink: "none", open: (given) => openPino(given, null) },
  "pino-file": { title: "pino, a file", sink: "file", open: (given) => openPino(given, PINO_FILE) },
  "pino-worker": { title: "pino, worker transport to a file", sink: "file", open: openPinoTransport },
  otel: { title: "OpenTelemetry logs, OTLP/proto", sink: "http", open: openOtelLogs },
  pubsub: { title: "@google-cloud/pubsub, one topic", sink: "grpc", open: openRawPubSub },
  langfuse: { title: "Langfuse, a generation", sink: "http", open: openLangfuse },
  langsmith: { title: "LangSmith, an llm run", sink: "http", open: openLangSmith },
};

export const rowNames: readonly RowName[] = Object.keys(rows) as RowName[];
