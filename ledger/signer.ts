/** A key that signs checkpoints: Ed25519, as C2SP's signed notes have it. */
export interface Signer {
  /** The key's name: that of the log, its origin. */
  readonly name: string;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes. @throws ERR_KEY, or ERR_STORE (retryable) when a key service does not answer */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
