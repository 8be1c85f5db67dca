/**
 * Where checkpoints are kept: out of reach of whoever writes the log. Objects are created and never changed; a locked bucket in the
 * cloud, a folder on one machine.
 *
 * Names are `/`-separated words of `[A-Za-z0-9._-]`; data is at most some 100 MB.
 */
export interface ObjectStore {
  /** What it is, for people: a folder's path or `gs://bucket/prefix`. */
  readonly location: string;
  /**
   * Creates an object, and resolves to true when it is durable; to false when there is one of this name already, which stays as it is.
   * Of several that create the same name at once, exactly one gets true. A crash leaves either the whole object or none.
   * @throws ERR_STORE, which leaves open whether it was created
   */
  create(name: string, data: Uint8Array): Promise<boolean>;
  /** The object's data; undefined when there is none. @throws ERR_STORE */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Whether there is an object of this name. @throws ERR_STORE */
  has(name: string): Promise<boolean>;
  /**
   * Names that begin with `prefix`, which ends in `/`, in the order of their code units, from `from` on (inclusive; default: the first).
   * @throws ERR_STORE, from the iteration
   */
  list(prefix: string, from?: string): AsyncIterable<string>;
}
