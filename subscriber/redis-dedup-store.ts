import type { TableName } from "@indelible/schemas/tables.ts";
import type { Identity } from "./dedup-memory.ts";
import type { SharedDedupStore } from "./shared-dedup.ts";

export interface RedisDedupOptions {
  /** `redis://` or, with TLS, `rediss://`; user, password, port and the number of the database as usual. */
  readonly url: string;
  /** Seconds that an entry is remembered. Default 21,600 (6 h). */
  readonly ttlSeconds?: number;
}

type Client = ReturnType<typeof newClient>;

/** Without an answer for this long, a connection takes no more commands, so that they do not pile up in it. */
const STALLED_MS = 1_000;
/** Without an answer for this long, a connection is replaced. The client pings an idle one more often than that. */
const SILENT_MS = 10_000;
const PING_MS = 4_000;
const MAX_RECONNECT_MS = 5_000;

/**
 * A store in Redis or Valkey, of version 2.6.12 or later and not in cluster mode. It needs MGET, SET and PING.
 *
 * `indelible:<table>:<log_id>` holds the `entry_hash` that was marked first, `indelible:<table>:<log_id>:<entry_hash>` each that is in
 * conflict with it. A lookup or mark is one round trip, and a second one for those in conflict.
 *
 * The client is imported and connected at once but not waited for; without a connection every call rejects without delay.
 */
export function redisDedupStore(options: RedisDedupOptions): SharedDedupStore {
  return new RedisDedupStore(options);
}

class RedisDedupStore implements SharedDedupStore {
  readonly name: string;
  readonly #ttlSeconds: string;
  /** Resolves when the first attempt to connect has ended, well or not. */
  readonly #client: Promise<Client>;
  #created: Client | undefined;
  #lastError: string | undefined;
  #closed = false;
  #unanswered = 0;
  /** When the last answer came, or, when none was due, the first command since was sent. */
  #heardAt = 0;

  constructor({ url, ttlSeconds = 6 * 60 * 60 }: RedisDedupOptions) {
    this.name = `${new URL(url).protocol}//${new URL(url).host}`;
    this.#ttlSeconds = String(ttlSeconds);
    this.#client = this.#open(url);
    // Each call that awaits it sees its failure.
    this.#client.catch(() => {});
  }

  async lookup(table: TableName, entries: readonly Identity[]): Promise<readonly (string | undefined)[]> {
    const first = await this.#get(entries.map(({ logId }) => keyOf(table, logId)));
    const known = first.map((hash) => hash ?? undefined);
    const others = [...entries.keys()].filter(
      (position) => known[position] !== undefined && known[position] !== entries[position]?.entryHash,
    );
    if (others.length === 0) return known;
    const conflicting = others.map((position) => entries[position] as Identity);
    for (const [index, hash] of (await this.#get(conflicting.map((entry) => conflictKeyOf(table, entry)))).entries()) {
      if (hash !== null) known[others[index] as number] = hash;
    }
    return known;
  }

  async mark(table: TableName, entries: readonly Identity[]): Promise<void> {
    const set = (key: string, { entryHash }: Identity): string[] => ["SET", key, entryHash, "EX", this.#ttlSeconds];
    const answers = await this.#run(entries.map((entry) => [...set(keyOf(table, entry.logId), entry), "NX"]));
    // Taken: by another content, or by the same from another instance, when a further key does no harm.
    const taken = entries.filter((_, position) => answers[position] === null);
    if (taken.length > 0) await this.#run(taken.map((entry) => set(conflictKeyOf(table, entry), entry)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#created?.destroy();
  }

  async #get(keys: readonly string[]): Promise<(string | null)[]> {
    const [values] = await this.#run([["MGET", ...keys]]);
    return values as (string | null)[];
  }

  /** Sends commands together and resolves to their answers. */
  async #run(commands: readonly string[][]): Promise<readonly unknown[]> {
    const client = await this.#client;
    if (!client.isReady) throw new Error(this.#lastError ?? "not connected");
    if (this.#unanswered === 0) this.#heardAt = performance.now();
    else if (performance.now() - this.#heardAt > STALLED_MS) throw new Error("connected, but it does not answer");
    this.#unanswered += 1;
    try {
      const pipeline = client.multi();
      for (const command of commands) pipeline.addCommand(command);
      return await pipeline.execAsPipeline();
    } catch (error) {
      throw new Error(describe(error), { cause: error });
    } finally {
      this.#unanswered -= 1;
      this.#heardAt = performance.now();
    }
  }

  async #open(url: string): Promise<Client> {
    // Importing it takes some 100 ms, which an instance without a store should not pay.
    const redis = await import("@redis/client");
    if (this.#closed) throw new Error("closed");
    const client = newClient(redis, url);
    this.#created = client;
    const attempted = Promise.withResolvers<void>();
    client.on("error", (error) => {
      this.#lastError = describe(error);
      attempted.resolve();
    });
    client.on("ready", () => {
      this.#lastError = undefined;
      attempted.resolve();
    });
    // It tries until it is destroyed, and tells of each failure before by the event.
    client.connect().catch(() => attempted.resolve());
    await attempted.promise;
    return client;
  }
}

function newClient({ createClient }: typeof import("@redis/client"), url: string) {
  return createClient({
    url,
    // Before version 6 a server answers RESP 3's greeting with an error that quotes the password.
    RESP: 2,
    maintNotifications: "disabled",
    disableClientInfo: true,
    disableOfflineQueue: true,
    pingInterval: PING_MS,
    socket: { socketTimeout: SILENT_MS, reconnectStrategy: reconnectDelayMs },
  });
}

const keyOf = (table: TableName, logId: string): string => `indelible:${table}:${logId}`;
const conflictKeyOf = (table: TableName, { logId, entryHash }: Identity): string =>
  `${keyOf(table, logId)}:${entryHash}`;

/** 50 ms, doubling up to 5 s, each between half and the whole of it at random, so that instances do not return together. */
function reconnectDelayMs(retries: number): number {
  return Math.min(MAX_RECONNECT_MS, 50 * 2 ** retries) * (0.5 + Math.random() / 2);
}

/** What may be said of an error: a server's answers can quote commands, so only their first word. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return code;
  return /^[A-Z]+ /.test(error.message) ? (error.message.split(" ", 1)[0] as string) : error.message;
}
