/** `2026-01-31 09:30:00Z` of an RFC 3339 time in UTC. */
export function secondText(timestamp: string): string {
  return timestamp.replace("T", " ").replace(/(?:\.\d+)?Z$/, "Z");
}
