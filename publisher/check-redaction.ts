/** By itself, because the built-in rules are the background thread's, and those who add none need not load them. */
export { assertRedactionOptions } from "./redaction/options.ts";
