import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRedactor } from "@indelible/publisher/redaction/redactor.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { samples } from "./secrets.ts";

// Quadratic time is felt at one megabyte; the engine's stack overflows at some more.
const CHARS = 1_000_000;
const STACK_CHARS = 5_000_000;
const redactor = createRedactor({ keys: ["customer no"] });

/** What makes a careless expression begin anew at each place, or go back over all that it took. */
const units: readonly string[] = [
  ..."a - _ . : = / \\ \" ' ` @ [ { 4 0 1- 4_ eyJ eyJ- sk- sk-ant- ghp_ --a -----BEGIN ://a: ://a:@ :// password= password: token:".split(
    " ",
  ),
  'password="',
  "password='\\",
  "secret:{",
  "secret:[",
  'secret:{"',
  "pwd=/",
  "cookie: ",
  "cookie: a=",
  "Authorization: x ",
  "--token ",
  "Bearer ",
  "bearer a.",
  "basic ",
  "Basic YTpi",
  "aws ",
  "aws-a.",
  "secret ",
  "AKIA",
  "4111 ",
  "4111-",
  "4 ",
  "411111111111111",
  "1234567:A",
  "-----BEGIN PRIVATE KEY-----",
  "-----BEGIN PRIVATE KEY-----\n",
  "---END ",
  "?sig=",
  "M1234567890123456789012.",
  "hooks.slack.com/services/\\\\",
  "curl -u a:",
  " -u a",
  "customer_no=",
  "customer-",
  "_ -",
  "[REDACTED:key]",
  "password=[REDACTED:key]",
  "\u001b[0;",
  "\\u0000",
  "😀",
  "AA1Q~",
];

describe("redact()", () => {
  it("ends in linear time, and within the engine's stack, on megabytes of what is worst for each pattern", () => {
    for (const unit of units) {
      const chars = unit.length === 1 ? STACK_CHARS : CHARS;
      const text = canonicalize({ result_summary: unit.repeat(chars / unit.length) });
      redactor.isClean(text);
      redactor.redact("action_logs", text);
    }
  });

  it("ends on megabytes that begin like a secret, or are nothing but secrets", () => {
    for (const { text: secret } of samples) {
      for (const tail of [
        "a".repeat(CHARS),
        `\n${"é ".repeat(CHARS / 2)}`,
        ` ${secret}`.repeat(CHARS / 10 / secret.length),
      ]) {
        const text = canonicalize({ result_summary: secret + tail });
        const { findings } = redactor.redact("action_logs", text);
        if (!tail.startsWith("a")) assert.notEqual(findings, undefined, secret);
      }
    }
  });
});
