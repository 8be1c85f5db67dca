import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRedactor } from "@indelible/publisher/redaction/redactor.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { tableNames, type Event, type TableName } from "@indelible/schemas/tables.ts";
import { assertEvent } from "@indelible/schemas/validator.ts";
import fc from "fast-check";
import { eventsOf } from "../../schemas/samples.ts";
import { samples, type Sample } from "./secrets.ts";

const redactor = createRedactor();
const sample = fc.constantFrom(...samples);

/** What may stand around a secret: escapes, unicode, separators; nothing that belongs to a word. */
const surroundings = fc.constantFrom(
  "",
  " ",
  "\n",
  "\t",
  "\r\n",
  "\u0000",
  "\u0007",
  '"',
  "\\",
  "é ",
  "😀",
  "密码 ",
  "\u2028",
  "a b ",
  "next_ ",
  "C:\\new\n",
  "{}",
  ", ",
);

/** A text, perhaps as JSON within JSON. */
const wraps = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => JSON.stringify({ note: text }),
  (text) => JSON.stringify({ a: [JSON.stringify({ note: `${text} ` })] }),
  (text) => JSON.stringify({ note: [`${text} `, 1] }, undefined, 2),
);

const planted = fc
  .record({ sample, before: surroundings, after: surroundings, wrap: wraps })
  // The text behind an unquoted value, and behind a key whose end is cut off, is its own; a card stands free.
  .map(({ sample, before, after, wrap }) => ({ sample, text: wrap(`${before} ${sample.text}\n${after}`) }));

/** Events of every table that has free JSON or texts, with a planted text at random places. */
const events = fc.oneof(
  planted.chain(({ sample, text }) =>
    fc.record({
      sample: fc.constant(sample),
      table: fc.constant<TableName>("action_logs"),
      event: eventsOf("action_logs").map((event) => ({ ...event, result_summary: text })),
    }),
  ),
  planted.chain(({ sample, text }) =>
    fc.record({
      sample: fc.constant(sample),
      table: fc.constant<TableName>("mcp_usage_logs"),
      event: fc
        .tuple(eventsOf("mcp_usage_logs"), fc.array(fc.constantFrom("a", "b", "__proto__", "é\n"), { maxLength: 4 }))
        .map(([event, path]) => ({
          ...event,
          parameters: path.reduce<unknown>(
            (inner, key) => JSON.parse(`{${JSON.stringify(key)}:[1,${JSON.stringify(inner)}]}`),
            text,
          ),
        })),
    }),
  ),
  planted.chain(({ sample, text }) =>
    fc.record({
      sample: fc.constant(sample),
      table: fc.constant<TableName>("decision_logs"),
      event: eventsOf("decision_logs").map((event) => ({
        ...event,
        options_evaluated: [{ option: "x", pros: [text], score: 1 }],
        affected_entities: ["y", text.slice(0, 900)],
      })),
    }),
  ),
);

/** What must not be left of a secret: a piece of it, whatever it was escaped as. */
function traceOf({ secret }: Sample): string {
  return secret.split(/[\\\n"]/).reduce((longest, piece) => (piece.length > longest.length ? piece : longest), "");
}

describe("redact()", () => {
  it("takes out secrets wherever they stand, and gives valid canonical JSON that stays as it is when redacted again", () => {
    fc.assert(
      fc.property(events, ({ sample, table, event }) => {
        const text = canonicalize(event);
        assert.equal(redactor.isClean(text), false, sample.text);
        const { text: redacted, findings } = redactor.redact(table, text);
        assert.ok(!redacted.includes(JSON.stringify(traceOf(sample)).slice(1, -1)), `${sample.text}: ${redacted}`);
        assert.ok((findings?.[sample.kind] ?? 0) > 0, `${sample.kind}: ${JSON.stringify(findings)} ${redacted}`);
        assert.equal(canonicalize(JSON.parse(redacted)), redacted);
        assertEvent(table, JSON.parse(redacted));
        assert.deepEqual(redactor.redact(table, redacted), { text: redacted, findings: undefined });
      }),
      { numRuns: 2_000 },
    );
  });

  it("finds nothing that isClean() says is not there", () => {
    const pieces = fc.oneof(
      sample.map(({ text }) => text),
      sample.chain(({ text }) => fc.nat(text.length).map((end) => text.slice(0, end))),
      sample.chain(({ text }) => fc.nat(text.length).map((start) => text.slice(start))),
      fc.constantFrom(
        ..."\n \t \" \\ ' ` : = - _ . / @ & ; , { } [ ] é 😀 \u0007 \u001b[32m %20 \\n \\u0026 // :// password token secret-key PWD bearer".split(
          " ",
        ),
      ),
      fc.string({ unit: "binary", maxLength: 3 }),
      fc.stringMatching(/^[0-9 -]{1,20}$/),
    );
    const texts = fc.array(pieces, { maxLength: 8 }).map((all) => all.join("").toWellFormed());
    const values = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof({ maxDepth: 3 }, texts, fc.integer(), fc.array(tie("value")), fc.dictionary(texts, tie("value"))),
    })).value;
    fc.assert(
      fc.property(values, fc.boolean(), (value, nested) => {
        const clean = JSON.parse(JSON.stringify(value)) as unknown;
        const text = canonicalize({ action_details: nested ? JSON.stringify(clean) : clean });
        const { findings, text: redacted } = redactor.redact("action_logs", text);
        if (redactor.isClean(text)) assert.equal(findings, undefined, `${text} ${redacted}`);
        assert.deepEqual(redactor.redact("action_logs", redacted), { text: redacted, findings: undefined });
      }),
      { numRuns: 5_000 },
    );
  });

  for (const table of tableNames) {
    it(`${table} - an event without secrets is the very same string`, () => {
      fc.assert(
        fc.property(eventsOf(table), (event) => {
          const text = canonicalize(event);
          // One in thirty of the long numbers in free JSON could be a card's.
          fc.pre(!/(?<![\w.])[2-6]\d{12,18}(?![\w.])/.test(text));
          assert.deepEqual(redactor.redact(table, text), { text, findings: undefined });
        }),
        { numRuns: 100 },
      );
    });
  }

  it("leaves stamped columns, timestamps, enumerations, numbers and booleans alone", () => {
    const event: Event = {
      action_id: "a",
      business_id: "b",
      agent_position: "c",
      action_type: "mcp_call",
      started_at: "2026-01-31T09:30:00.123Z",
      duration_ms: 4_111_111_111_111_111,
      success: true,
      log_id: "41111111-1111-4111-8111-111111111111",
      publisher_id: ["sk-", "ant-", "abcdefgh"].join(""),
      seq: 4_111_111_111_111_111,
    };
    const text = canonicalize(event);
    assert.deepEqual(redactor.redact("action_logs", text), { text, findings: undefined });
  });

  it("redacts what stands in a wrong column or none: it will be a dead letter, which people read", () => {
    const secret = ["sk-", "ant-", "abcdefgh"].join("");
    const event = { password: "hunter2", seq: { token: "x" }, started_at: secret, status: secret, cost_usd: secret };
    const { text } = redactor.redact("conversations", canonicalize(event));
    assert.deepEqual(JSON.parse(text), {
      password: "[REDACTED:key]",
      seq: { token: "[REDACTED:key]" },
      started_at: "[REDACTED:anthropic]",
      status: "[REDACTED:anthropic]",
      cost_usd: "[REDACTED:anthropic]",
    });
  });

  it("redacts secret members of JSON columns, but not null, booleans and what is empty", () => {
    const details = {
      password: "x",
      dbPassword: 5,
      client_secret: ["a"],
      credentials: { user: "u" },
      "X-Api-Key": "k",
      "set-cookie": "a=b",
      GITHUB_TOKEN: "t",
      pwd: "hunter2",
      card: 4_111_111_111_111_111,
      token: null,
      secret: true,
      passphrase: "",
      cookies: [],
      input_tokens: 5,
      tokens: 6,
      max_tokens: 7,
      next_page_token: "n",
      token_count: 8,
      session_id: "s",
      nested: [{ refresh_token: "r", cwd: "/x", PWD: "/home/x" }],
    };
    const { text, findings } = redactor.redact("action_logs", canonicalize({ action_details: details }));
    const key = "[REDACTED:key]";
    assert.deepEqual(JSON.parse(text), {
      action_details: {
        ...details,
        password: key,
        dbPassword: key,
        client_secret: key,
        credentials: key,
        "X-Api-Key": key,
        "set-cookie": key,
        GITHUB_TOKEN: key,
        pwd: key,
        card: "[REDACTED:card]",
        nested: [
          {
            refresh_token: key,
            cwd: "/x",
            PWD: "/home/x",
          },
        ],
      },
    });
    assert.deepEqual(findings, { key: 9, card: 1 });
  });

  it("redacts keys, and keeps both where they become equal", () => {
    const [one, two] = ["abcdefgh", "ijklmnop"].map((end) => ["sk-", "ant-", end].join("")) as [string, string];
    const { text } = redactor.redact("action_logs", canonicalize({ action_details: { [one]: 1, [two]: 2 } }));
    assert.deepEqual(JSON.parse(text), {
      action_details: { "[REDACTED:anthropic]": 1, "[REDACTED:anthropic]#2": 2 },
    });
  });

  it("keeps a text within the length of its column, and cuts no surrogate pair", () => {
    for (let rest = 0; rest < 40; rest += 1) {
      const prompt = `${"😀".repeat(500 - rest - 24)}${"x".repeat(rest)} Password: a b Secret: c`;
      const { text, findings } = redactor.redact("conversations", canonicalize({ user_prompt_preview: prompt }));
      assert.deepEqual(findings, { key: 2 });
      const { user_prompt_preview: redacted } = JSON.parse(text) as { user_prompt_preview: string };
      assert.ok([...redacted].length <= 500);
      assert.ok(redacted.isWellFormed());
      assert.deepEqual(redactor.redact("conversations", text), { text, findings: undefined });
    }
  });

  it("refuses what it cannot read rather than passing it on, and does not quote it", () => {
    assert.throws(
      () => redactor.redact("conversations", '{"password":'),
      (error) => IndelibleError.is(error) && error.code === "ERR_REDACTION" && error.cause === undefined,
    );
  });
});

describe("isClean()", () => {
  it("says of many lines at once that none holds anything", () => {
    const clean = canonicalize({ result_summary: "use sk-learn for the task-force", token_count: 5 });
    const secret = canonicalize({ result_summary: `key ${["sk-", "ant-", "abcdefgh"].join("")}` });
    assert.equal(redactor.isClean([clean, clean].join("\n")), true);
    assert.equal(redactor.isClean([clean, secret, clean].join("\n")), false);
  });
});
