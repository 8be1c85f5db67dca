import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { createRedactor } from "@indelible/publisher/redaction/redactor.ts";
import { kinds } from "@indelible/publisher/redaction/rules.ts";
import { canonicalize } from "@indelible/schemas/canonical.ts";
import { samples } from "./secrets.ts";

const redactor = createRedactor();

function redactText(text: string): string {
  const { text: redacted } = redactor.redact("action_logs", canonicalize({ result_summary: text }));
  return (JSON.parse(redacted) as { result_summary: string }).result_summary;
}

describe("redact()", () => {
  for (const { kind, secret, text } of samples) {
    it(`${kind} - ${text.slice(0, 24).replaceAll("\n", " ")}… is taken out, and what stands around it is not`, () => {
      const redacted = redactText(`before ${text} after`);
      assert.ok(!redacted.includes(secret), redacted);
      assert.match(redacted, new RegExp(`^before .*\\[REDACTED:${kind}\\]`, "s"));
      const [head = "", tail = ""] = text.split(secret);
      assert.ok(redacted.startsWith(`before ${head}`), redacted);
      // Whatever looks like the next line of a key that was cut off, or of a cookie, may go with it.
      if (!secret.includes("PRIVATE") && !text.startsWith("Cookie"))
        assert.ok(redacted.endsWith(`${tail} after`), redacted);
    });
  }

  it("has a sample of every kind, and a row in docs/redaction.md", () => {
    const docs = readFileSync(new URL("../../../docs/redaction.md", import.meta.url), "utf8");
    const rows = [...docs.matchAll(/^\| `([a-z0-9-]+)` \|/gm)].map((match) => match[1]);
    assert.deepEqual(rows, kinds);
    assert.deepEqual([...new Set(samples.map(({ kind }) => kind))].sort(), kinds);
  });

  it("knows a secret by its beginning where a preview of 500 characters cut it off", () => {
    const distinctive =
      "anthropic openrouter langfuse langsmith github gitlab stripe groq digitalocean shopify google jwt private-key".split(
        " ",
      );
    for (const { kind, text, secret } of samples) {
      if (!distinctive.includes(kind)) continue;
      // A third of it, at least 20 characters; of a PEM block, all up to its first line.
      const kept = kind === "private-key" ? Math.max(40, secret.length / 3) : Math.max(20, secret.length / 3);
      const preview = `${"x".repeat(499 - kept)} ${text.slice(0, kept)}`.slice(0, 500);
      assert.match(redactText(preview), /\[REDACTED:|\[REDA/, preview);
    }
  });

  const harmless = [
    "sk-learn, sk-estimator-2, task-force, risk-adjusted-return, desk-research-2026, ask-me-anything",
    "a basic understanding, basic authentication; Basic instructions: none",
    "bearer of news, the bearer token authentication scheme, Bearer authentication",
    "hf_hub_download, npm_config_registry, pypi-server, xai-explainability, r8_config, pplx-70b-online, gsk_short",
    "the token budget: 5 tokens, max_tokens=7, input_tokens: 9, next_page_token: abc, price per token: 0.01",
    "token: string; password: null, secret=undefined, api_key: str = None, password == other, token?: string",
    "PWD=/home/agent OLDPWD=/tmp pwd: C:\\work",
    "secret://vault/path, Token::new(), tokens: [1, 2], secretary: Ms. Smith, passwordless: yes",
    "1769850000000 1769850000000000 1769850000000000000 2026-01-31T09:30:00.123456Z",
    "12345678-1234-4234-8234-123456789012 41111111-1111-4111-8111-111111111111 42345678-4234-4234-8234-423456789012",
    "4111111111111112 0x4111111111111111 41111111111111111111 0.4111111111111111 +4111111111111111 a4111111111111111",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "http://localhost:8080/a@b https://example.com:443?x=a@b git@example.com:a/b.git user@example.com http://u@h/",
    "-----BEGIN PRIVATE KEY----- lines begin a key; -----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
    "eyJ is how Base64 of JSON begins: eyJpZCI6NDJ9",
    "docker run -u 1000:1000 image; tar -u a:b",
    "https://example.com/?sig=short&design=abcdefghijklmnop&signature_version=4",
    "AKIA is a prefix, as is ASIA; aws s3 cp 3f2a9c1e5b7d8f6a4c2e0b9d7f5a3c1e8b6d4f2a .",
    '{"password":"","token":null,"secret":{},"cookies":[],"api_key":true}',
  ];
  for (const text of harmless) {
    it(`leaves ${JSON.stringify(text.slice(0, 60))}… as it is`, () => {
      assert.equal(redactText(text), text);
    });
  }

  it("takes out secret values within JSON in a text, at any depth, and leaves it JSON", () => {
    const value = { password: 'a"b\\', n: [{ token: 5, api_key: { a: ["}"] }, ok: "x" }], secret: "s" };
    const key = "[REDACTED:key]";
    const expected = { password: key, n: [{ token: key, api_key: key, ok: "x" }], secret: key };
    let text = JSON.stringify(value);
    for (let depth = 0; depth < 4; depth += 1) {
      let redacted: unknown = redactText(text);
      for (let level = 0; level <= depth; level += 1) redacted = JSON.parse(redacted as string);
      assert.deepEqual(redacted, expected);
      text = JSON.stringify(text);
    }
  });

  const named: readonly (readonly [text: string, redacted: string])[] = [
    ["password: correct horse", "password: [REDACTED:key] horse"],
    ["url?access_token=abc&x=1", "url?access_token=[REDACTED:key]&x=1"],
    ["Server=x;Password=a;b,c;User=y", "Server=x;Password=[REDACTED:key];User=y"],
    ["(api_key=abc), next", "(api_key=[REDACTED:key]), next"],
    ["'password': b'abc', 'x': 1", "'password': b'[REDACTED:key]', 'x': 1"],
    [':password => "abc"', ':password => "[REDACTED:key]"'],
    ["**Password**: abc", "**Password**: [REDACTED:key]"],
    ['config["secret"] = `abc`', 'config["secret"] = `[REDACTED:key]`'],
    ['-H "Authorization: Token abc" https://x', '-H "Authorization: [REDACTED:key]" https://x'],
    ['Authorization: Digest username="u"', 'Authorization: [REDACTED:key]"u"'],
    ["mytool --api-key abc --verbose", "mytool --api-key [REDACTED:key] --verbose"],
    ["mytool --token='a b' x", "mytool --token='[REDACTED:key]' x"],
    ['{"password": "cut o', '{"password": "[REDACTED:key]'],
    ['{"credentials": {"user": "u", "pa', '{"credentials": "[REDACTED:key]"'],
    ["line\\npassword=abc\\nnext", "line\\npassword=[REDACTED:key]\\nnext"],
  ];
  for (const [text, redacted] of named) {
    it(`finds the value of a name in ${text}`, () => {
      assert.equal(redactText(text), redacted);
    });
  }

  it("takes card numbers beside other digits, in groups and in one piece", () => {
    const pieces = ["4111", "1111", "1111", "1111"];
    assert.equal(redactText(`${pieces.join(" ")} 12/27 123`), "[REDACTED:card] 12/27 123");
    assert.equal(redactText(`a,${pieces.join("")},123`), "a,[REDACTED:card],123");
    assert.equal(redactText(`visa-${pieces.join("")}.`), "visa-[REDACTED:card].");
    assert.equal(redactText(`no ${pieces.join("-")} 123`), "no [REDACTED:card] 123");
    assert.equal(redactText(["42", "22", "22", "22", "22", "22", "2"].join("")), "[REDACTED:card]");
  });
});
