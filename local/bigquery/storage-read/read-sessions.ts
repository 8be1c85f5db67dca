import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import { StatusError } from "../storage-write/status.ts";
import type { Schema } from "apache-arrow";
import type { Caller } from "../access/caller.ts";
import type { Table } from "../catalog.ts";
import type { TableSchema } from "../table-schema.ts";

/** How many rows of a session are among the {@link SEGMENT_ROWS} whose numbers begin at `number` times that. */
export type Segment = { readonly number: number; readonly rows: number };

/** A read session: which rows of a table, and which of its columns. */
export type ReadSession = {
  /** `projects/P/locations/L/sessions/S` */
  readonly name: string;
  /** Who created it. */
  readonly caller: Caller;
  readonly table: Table;
  readonly restriction: string;
  /** The rows, as a subquery with {@link ROW_NUMBER}. */
  readonly rows: string;
  /** The columns that were asked for. */
  readonly schema: TableSchema;
  readonly arrow: Schema;
  readonly serializedSchema: Uint8Array;
  /** Those that have rows, in order. */
  readonly segments: readonly Segment[];
  readonly rowCount: number;
  /** The number of the last row that was there when the session began; -1 when there was none. */
  readonly lastRow: number;
};
type Entry = { readonly session: ReadSession; readonly expiresMs: number; readers: number };

/** As many rows as DuckDB has in a group of them: a segment is read from as few of these as can be. */
export const SEGMENT_ROWS = 122_880;
/** BigQuery's own. */
export const SESSION_LIFETIME_MS: number = 6 * 60 * 60 * 1000;
const MAX_SESSIONS = 1000;
const streamPattern = /^(projects\/[^/]+\/locations\/[^/]+\/sessions\/[^/]+)\/streams\/([^/]+)$/;
/** Each session has one stream. */
const STREAM_ID = "0";

export function sessionName(projectId: string, location: string): string {
  return `projects/${projectId}/locations/${location.toLowerCase()}/sessions/${randomUUID().replaceAll("-", "")}`;
}

export function streamName(session: string): string {
  return `${session}/streams/${STREAM_ID}`;
}

/** The sessions that can be read: for 6 hours, and at most a thousand of them. The first to go is the one that was idle longest. */
export class ReadSessions {
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /**
   * Keeps a session. Returns when it expires, in milliseconds since 1970.
   * @throws {StatusError} RESOURCE_EXHAUSTED when all others are being read
   */
  add(session: ReadSession): number {
    const now = this.#now();
    for (const [name, { expiresMs, readers }] of this.#entries) {
      if (readers === 0 && expiresMs <= now) this.#entries.delete(name);
    }
    if (this.#entries.size >= MAX_SESSIONS) this.#dropIdle();
    const expiresMs = now + SESSION_LIFETIME_MS;
    this.#entries.set(session.name, { session, expiresMs, readers: 0 });
    return expiresMs;
  }

  /**
   * The session of a stream.
   * @throws {StatusError} INVALID_ARGUMENT, NOT_FOUND
   */
  ofStream(stream: string): ReadSession {
    return this.#find(stream).session;
  }

  /** Keeps the session of a stream while `use` runs. @throws {StatusError} INVALID_ARGUMENT, NOT_FOUND */
  async reading(stream: string, use: (session: ReadSession) => Promise<void>): Promise<void> {
    const entry = this.#find(stream);
    const { name } = entry.session;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.readers++;
    try {
      await use(entry.session);
    } finally {
      entry.readers--;
    }
  }

  #find(stream: string): Entry {
    const [, session, id] = streamPattern.exec(stream) ?? [];
    if (session === undefined) {
      throw new StatusError(status.INVALID_ARGUMENT, `${JSON.stringify(stream)} is not the name of a read stream.`);
    }
    const entry = this.#entries.get(session);
    if (entry === undefined || id !== STREAM_ID || entry.expiresMs <= this.#now()) {
      const message = `Not found: ${stream}. A session is kept for 6 hours, until the warehouse stops, or until ${MAX_SESSIONS} newer ones exist: create another one.`;
      throw new StatusError(status.NOT_FOUND, message);
    }
    return entry;
  }

  #dropIdle(): void {
    for (const [name, { readers }] of this.#entries) {
      if (readers > 0) continue;
      this.#entries.delete(name);
      return;
    }
    throw new StatusError(
      status.RESOURCE_EXHAUSTED,
      `${MAX_SESSIONS} sessions are being read: end some of them first.`,
    );
  }
}
