import { hostname, userInfo } from "node:os";
import type { ReviewFlags } from "./review-options.ts";
import { Run, type Reviewer } from "./reviews.ts";

/** Whoever runs this command, this once. */
export function reviewerOf({ reviewer, note }: ReviewFlags): Reviewer {
  return { name: reviewer ?? `${userName()}@${hostname()}`, note, run: new Run() };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? "unknown");
  }
}
