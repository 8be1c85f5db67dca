/** What stands in the place of a secret. Kinds are kebab-case and stable: people search for them. */
export function markerOf(kind: string): string {
  return `[REDACTED:${kind}]`;
}

/** Whether `text` is nothing but a marker, which is not redacted again. */
export function isMarker(text: string): boolean {
  return /^\[REDACTED:[a-z][a-z0-9-]{0,39}\]$/.test(text);
}
