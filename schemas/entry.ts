import { hash } from "node:crypto";
import { v5 } from "uuid";

/** Namespace of every identity that we derive from content: UUIDv5 of "indelible" in the DNS namespace. */
export const NAMESPACE = "ec8c987b-cb93-521b-bd57-4eb7ec2d6125";

/** Lower-case hex SHA-256 of an entry's UTF-8 bytes. */
export function entryHash(entry: string): string {
  return hash("sha256", entry, "hex");
}

/**
 * A UUIDv5 from `parts`, which say what it identifies. Equal parts give equal IDs, on any machine, so that doing a
 * thing twice gives a duplicate and not a second entry. Parts are joined by newlines and must not contain any.
 */
export function derivedId(...parts: readonly (string | number)[]): string {
  return v5(parts.join("\n"), NAMESPACE);
}

/** The `log_id` of an event that came without one: the same at each redelivery of the message. */
export function logIdOfMessage(table: string, messageId: string, index: number): string {
  return derivedId("message", table, messageId, index);
}
