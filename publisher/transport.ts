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
