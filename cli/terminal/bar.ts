const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 * A bar of at most `width` columns, to an eighth of one. What is more than nothing is never an empty bar.
 *
 * @param share from 0 to 1; beyond it, the bar is full
 */
export function bar(share: number, width: number): string {
  const units = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const shown = units === 0 && share > 0 ? 1 : units;
  return "█".repeat(Math.floor(shown / 8)) + (eighths[shown % 8] ?? "");
}
