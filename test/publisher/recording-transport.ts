import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { createPublisher, type Publisher, type PublisherOptions, type Transport } from "@indelible/publisher";
import type { ErrorContext } from "@indelible/publisher";
import type { IndelibleError } from "@indelible/schemas/errors.ts";

export interface SentMessage {
  readonly topic: string;
  /** Decompressed. */
  readonly text: string;
  /** As sent. */
  readonly bytes: number;
  readonly attributes: { readonly [key: string]: string };
}

function decompress(data: Buffer, encoding: string | undefined): string {
  if (encoding === "zstd") return zstdDecompressSync(data).toString();
  if (encoding === "gzip") return gunzipSync(data).toString();
  return data.toString();
}

/** What becomes of an attempt; the default acknowledges it. */
export type Answer = (message: SentMessage, attempt: number) => Promise<unknown>;

/** Keeps every attempt, and those that it acknowledged. */
export class RecordingTransport implements Transport {
  readonly attempts: SentMessage[] = [];
  readonly acknowledged: SentMessage[] = [];
  answer: Answer;
  closes = 0;

  constructor(answer: Answer = () => Promise.resolve()) {
    this.answer = answer;
  }

  async publish(topic: string, data: Buffer, attributes: { [key: string]: string }): Promise<string> {
    const message = { topic, text: decompress(data, attributes["encoding"]), attributes, bytes: data.length };
    const attempt = this.attempts.push(message);
    await this.answer(message, attempt);
    return String(this.acknowledged.push(message));
  }

  close(): Promise<void> {
    this.closes += 1;
    return Promise.resolve();
  }

  /** The acknowledged events of `table`, parsed. */
  events(table: string): { [column: string]: unknown }[] {
    return this.acknowledged.filter(({ topic }) => topic === `agent-logs.${table}`).flatMap(eventsOf);
  }
}

export function eventsOf({ text }: SentMessage): { [column: string]: unknown }[] {
  return text.split("\n").map((line) => JSON.parse(line) as { [column: string]: unknown });
}

export interface Fixture {
  readonly log: Publisher;
  readonly transport: RecordingTransport;
  readonly errors: { readonly error: IndelibleError; readonly about: ErrorContext }[];
}

/** A publisher of the CFO of acme, over a transport that keeps what it is given. */
export function openFixture(options: Partial<PublisherOptions> & { answer?: Answer } = {}): Fixture {
  const { answer, ...rest } = options;
  const transport = new RecordingTransport(answer);
  const errors: Fixture["errors"] = [];
  const onError = (error: IndelibleError, about: ErrorContext): number => errors.push({ error, about });
  const log = createPublisher({ businessId: "acme", agentPosition: "CFO", transport, onError, ...rest });
  return { log, transport, errors };
}
