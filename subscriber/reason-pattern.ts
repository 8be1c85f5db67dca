const placeholders: readonly (readonly [string, RegExp])[] = [
  // Names that are quoted; a text that was cut may lack the closing quote. An apostrophe within a word quotes nothing.
  ["<name>", /"(?:[^"\\]|\\.)*(?:"|\\?$)|`[^`]*(?:`|$)|(?<!\w)'[^']*'(?!\w)/],
  ["<time>", /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z\b|[+-]\d\d:?\d\d\b)?)?/],
  ["<uuid>", /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/],
  // Also array indices, which stand between dots or brackets. Digits within a name belong to it.
  ["<n>", /(?<!\w)-?\d+(?:[.,]\d+)*(?:e[+-]?\d+)?/],
];

const any = new RegExp(placeholders.map(([, { source }]) => `(${source})`).join("|"), "gis");

/**
 * The form of a dead letter's detail that failures of one kind share: what differs from one event to the next (quoted names,
 * timestamps, UUIDs, array indices, numbers) is replaced by a placeholder. Names of columns stay.
 */
export function reasonPattern(detail: string): string {
  return detail.replace(any, (_, ...groups: readonly unknown[]) => {
    const matched = groups.findIndex((group) => group !== undefined);
    return placeholders[matched]?.[0] ?? "";
  });
}
