/** What carries messages away. Several publishers may share one. */
export interface Transport {
  /**
   * Resolves with the message's ID once the service has stored it durably. Rejects otherwise; an `IndelibleError`
   * that is not retryable says that this message will never be taken, anything else that it may be taken later.
   *
   * @param topic ID of the topic, without project
   * @param deadlineMs time for this attempt, in milliseconds; what comes later is ignored by the caller
   */
  publish(topic: string, data: Buffer, attributes: { [key: string]: string }, deadlineMs: number): Promise<string>;

  /** Releases connections. Nothing is published afterwards. */
  close(): Promise<void>;
}

export interface TransportMessage {
  readonly data: Buffer;
  readonly attributes: { [key: string]: string };
}

/** A transport that also takes many messages at once. */
export interface BatchTransport extends Transport {
  /**
   * Publishes messages in one request: all of them are stored or none is. Resolves with their IDs, in the same order; rejects as `publish` does.
   *
   * @param messages at most 1,000, of 10 MB together: Pub/Sub's limits for a request
   */
  publishAll(topic: string, messages: readonly TransportMessage[], deadlineMs: number): Promise<readonly string[]>;
}
