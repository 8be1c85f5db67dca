import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  assertRedactionOptions,
  createRedactor,
  type RedactionOptions,
} from "@indelible/publisher/redaction/redactor.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";

function redactDetails(options: RedactionOptions, details: unknown): unknown {
  assertRedactionOptions(options);
  const redactor = createRedactor(structuredClone(options));
  const text = canonicalize({ action_details: details });
  const { text: redacted, findings } = redactor.redact("action_logs", text);
  if (redactor.isClean(text)) assert.equal(findings, undefined);
  assert.deepEqual(redactor.redact("action_logs", redacted), { text: redacted, findings: undefined });
  return (JSON.parse(redacted) as { action_details: unknown }).action_details;
}

describe("redact() with own patterns and keys", () => {
  it("replaces what an own pattern matches, in values and keys, decoded", () => {
    const patterns = [{ kind: "employee", pattern: /E"\d{3}/ }];
    assert.deepEqual(redactDetails({ patterns }, { 'E"123': 'x E"456 and E"789' }), {
      "[REDACTED:employee]": "x [REDACTED:employee] and [REDACTED:employee]",
    });
  });

  it("keeps an own pattern's flags, adds g and ignores y", () => {
    assert.equal(redactDetails({ patterns: [{ kind: "a", pattern: /B/iy }] }, "xbxB"), "x[REDACTED:a]x[REDACTED:a]");
    assert.equal(redactDetails({ patterns: [{ kind: "a", pattern: /^b.c$/msu }] }, "a\nb😀c\nd"), "a\n[REDACTED:a]\nd");
  });

  it("neither loops on an empty match nor puts a marker there", () => {
    for (const pattern of [/x*/, /x*/u, /(?:)/, /$/, /\b/, /x*/v]) {
      assert.equal(
        String(redactDetails({ patterns: [{ kind: "a", pattern }] }, "😀bxxb😀")).includes("[REDACTED:a][REDACTED:a]"),
        false,
      );
    }
    assert.equal(redactDetails({ patterns: [{ kind: "a", pattern: /x*/ }] }, "bxxb"), "b[REDACTED:a]b");
  });

  it("leaves markers alone, whatever a pattern matches", () => {
    for (const pattern of [/\w+/, /\[.*?\]/, /./, /REDACTED/, /.+/s, /[a-z]+/]) {
      redactDetails({ patterns: [{ kind: "mine", pattern }] }, { password: "x", y: "token=abc [REDACTED:key] tail" });
    }
  });

  it("takes own keys without case, underscores, hyphens and spaces, and only whole ones", () => {
    const details = {
      customerNo: "1",
      CUSTOMER_NO: "2",
      "customer-no": "3",
      my_customer_no: "4",
      customer_number: "5",
    };
    assert.deepEqual(
      redactDetails({ keys: ["Customer No"] }, { ...details, text: "a customer_no=6, mycustomerno=7" }),
      {
        customerNo: "[REDACTED:key]",
        CUSTOMER_NO: "[REDACTED:key]",
        "customer-no": "[REDACTED:key]",
        my_customer_no: "4",
        customer_number: "5",
        text: "a customer_no=[REDACTED:key], mycustomerno=7",
      },
    );
    assert.deepEqual(
      redactDetails({ keys: ["Contraseña", "a.b*c", "密码"] }, { CONTRASEÑA: "1", "a.b*c": "2", aXbc: "3", 密码: "4" }),
      {
        CONTRASEÑA: "[REDACTED:key]",
        "a.b*c": "[REDACTED:key]",
        aXbc: "3",
        密码: "[REDACTED:key]",
      },
    );
  });

  it("names the kind whose pattern throws, and gives nothing back", () => {
    // Alternatives in a loop overflow the engine's stack on megabytes.
    const redactor = createRedactor({ patterns: [{ kind: "greedy", pattern: /(?:a|b)*c/ }] });
    assert.throws(
      () => redactor.redact("action_logs", canonicalize({ result_summary: "ab".repeat(10_000_000) })),
      (error) =>
        IndelibleError.is(error) &&
        error.code === "ERR_REDACTION" &&
        error.message.includes("greedy") &&
        error.cause instanceof RangeError,
    );
  });
});

describe("assertRedactionOptions()", () => {
  const bad: readonly (readonly [place: string, options: unknown])[] = [
    ["redaction", null],
    ["redaction", true],
    ["redaction", [/x/]],
    ["redaction.pattern", { pattern: /x/ }],
    ["redaction.patterns", { patterns: /x/ }],
    ["redaction.patterns[0]", { patterns: ["x"] }],
    [
      "redaction.patterns[1].kind",
      {
        patterns: [
          { kind: "a", pattern: /x/ },
          { kind: "A b", pattern: /x/ },
        ],
      },
    ],
    [
      "redaction.patterns[0].kind",
      { patterns: [{ kind: ["ghp", "_"].join("").replace("_", "-") + "x".repeat(40), pattern: /x/ }] },
    ],
    ["redaction.patterns[0].kind", { patterns: [{ kind: ["sk-", "ant-", "abcdefgh"].join(""), pattern: /x/ }] }],
    ["redaction.patterns[0].pattern", { patterns: [{ kind: "a", pattern: "x" }] }],
    ["redaction.keys", { keys: "password" }],
    ["redaction.keys[0]", { keys: [""] }],
    ["redaction.keys[0]", { keys: ["_ -"] }],
    ["redaction.keys[0]", { keys: ['a"b'] }],
    ["redaction.keys[1]", { keys: ["a", 5] }],
    ["redaction.keys[0]", { keys: ["\ud800"] }],
  ];
  for (const [place, options] of bad) {
    it(`refuses ${JSON.stringify(options)?.slice(0, 60)} with a hint that names ${place}`, () => {
      assert.throws(
        () => assertRedactionOptions(options),
        (error) => IndelibleError.is(error) && error.code === "ERR_CONFIG" && error.hint.includes(`${place} `),
      );
    });
  }

  it("accepts none, and some", () => {
    assertRedactionOptions({});
    assertRedactionOptions({ patterns: [{ kind: "a-1", pattern: /x/g }], keys: ["Customer No"] });
  });
});
