/** What is said between the publisher and its background thread. */
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import type { TableName } from "@indelible/schemas/tables.ts";
import type { PreparationSettings, Prepared } from "../preparation.ts";

/** The lines of a pack: shared bytes, or the file that they are in. */
export type Lines = { readonly bytes: Uint8Array } | { readonly path: string };

export interface PrepareRequest {
  readonly kind: "prepare";
  readonly table: TableName;
  readonly lines: Lines;
  readonly isSpooled: boolean;
  readonly held: ReadonlyMap<number, string>;
  readonly settings: PreparationSettings;
}

export interface PublishRequest {
  readonly kind: "publish";
  readonly projectId: string | undefined;
  readonly topic: string;
  readonly data: Uint8Array;
  readonly attributes: { readonly [name: string]: string };
  readonly deadlineMs: number;
}

/** Closes the connections. */
export interface DisconnectRequest {
  readonly kind: "disconnect";
}

export type Request = PrepareRequest | PublishRequest | DisconnectRequest;

/** What each kind of request gives. */
export interface Results {
  readonly prepare: Prepared;
  readonly publish: string;
  readonly disconnect: undefined;
}

export interface Envelope {
  readonly id: number;
  readonly request: Request;
}

export type Reply =
  | { readonly id: number; readonly result: Results[keyof Results] }
  | { readonly id: number; readonly failure: Failure };

/** An error as it passes between threads: structured clones of errors lose their own properties. */
export interface Failure {
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly cause: Error | undefined;
}

export function failureOf(error: unknown): Failure {
  if (IndelibleError.is(error)) {
    return { code: error.code, message: error.message, hint: error.hint, cause: plain(error.cause) };
  }
  const cause = plain(error);
  return { code: undefined, message: cause?.message ?? String(error), hint: undefined, cause };
}

/** @param fallback code of an error that is not ours */
export function errorOf({ code, message, hint, cause }: Failure, fallback: ErrorCode): IndelibleError {
  return new IndelibleError(code ?? fallback, message, {
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The code of a gRPC status stands in its message, so that it is not lost. */
function plain(error: unknown): Error | undefined {
  if (error === undefined) return undefined;
  if (!(error instanceof Error)) return new Error(String(error));
  const copy = new Error(error.message);
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = error.stack;
  return copy;
}
