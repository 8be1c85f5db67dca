/**
 * Made-up secrets of every kind, put together from pieces, so that nobody's scanner takes them for real ones. `secret` is what
 * must not be left; `text` is what it stands in, where it needs something around it.
 */
export interface Sample {
  readonly kind: string;
  readonly secret: string;
  readonly text: string;
}

const letters = "Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z";
const hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const long = letters + letters;

const token = (kind: string, ...pieces: readonly string[]): Sample => {
  const secret = pieces.join("");
  return { kind, secret, text: secret };
};

const within = (kind: string, before: string, secret: string, after = ""): Sample => ({
  kind,
  secret,
  text: before + secret + after,
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export const samples: readonly Sample[] = [
  token("anthropic", "sk-", "ant-", "api03-", long),
  token("openrouter", "sk-", "or-", "v1-", hex, hex),
  token("langfuse", "sk-", "lf-", "0a1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9"),
  token("openai", "sk-", "proj-", long),
  token("openai", "sk-", "svcacct-", long),
  token("openai", "sk-", letters, letters.slice(0, 16)),
  token("openai", "sk-", "acme-", letters, "T3Blbk", "FJ", letters),
  token("langsmith", "lsv2", "_pt_", hex, "_0a1b2c3d4e"),
  token("langsmith", "ls", "__", hex),
  token("github", "gh", "p_", letters),
  token("github", "gh", "s_", letters),
  token("github", "github", "_pat_", letters, "_", long),
  token("gitlab", "gl", "pat-", letters.slice(0, 20)),
  token("slack", "xox", "b-", "1234567890-1234567890-", letters),
  token("slack", "xapp", "-1-", "A0123456789-1234567890-", hex),
  within("slack", "https://hooks.slack.com/services/", ["T01234567", "B01234567", letters].join("/")),
  token("stripe", "sk", "_live_", letters),
  token("stripe", "rk", "_live_", letters),
  token("stripe", "sk", "_test_", letters),
  token("stripe", "wh", "sec_", letters),
  token("twilio", "S", "K", hex),
  token("sendgrid", "S", "G.", letters.slice(0, 22), ".", long.slice(0, 43)),
  token("huggingface", "h", "f_", letters, "aB"),
  token("npm", "np", "m_", letters, "aB3d"),
  token("pypi", "py", "pi-", "AgEIcHlwaS5vcmc", long),
  token("groq", "gs", "k_", long.slice(0, 52)),
  token("xai", "xa", "i-", long),
  token("replicate", "r", "8_", letters, "aB3dE"),
  token("perplexity", "pp", "lx-", long.slice(0, 48)),
  token("nvidia", "nv", "api-", long),
  token("tavily", "tv", "ly-", "dev-", letters),
  token("pinecone", "pc", "sk_", letters, "_", long),
  token("digitalocean", "do", "p_v1_", hex, hex),
  token("shopify", "sh", "pat_", hex),
  token("linear", "li", "n_api_", letters, "aB3dEf6h"),
  token("notion", "nt", "n_", "12345678901", letters),
  token("supabase", "sb", "p_", hex),
  token("grafana", "gl", "sa_", letters, "_0a1b2c3d"),
  token("postman", "PM", "AK-", hex.slice(0, 24), "-", hex),
  token("vault", "hv", "s.", long),
  token("databricks", "da", "pi", hex),
  token("atlassian", "AT", "ATT3", long),
  token("azure", "aB3", "8", "Q~", letters),
  token("google", "AI", "za", letters, "aB3"),
  token("google", "ya", "29.", long),
  token("google", "GOC", "SPX-", letters.slice(0, 28)),
  token("google", "1/", "/0", letters),
  token("google", "A", "Q.", "Ab8", long),
  token("aws", "AK", "IA", "Z2Y3X4W5V6U7T2S3"),
  token("aws", "AS", "IA", "Z2Y3X4W5V6U7T2S3"),
  token("aws", "AB", "SK", long, "="),
  within("aws", "AWS Secret Access Key [None]: ", `${letters.slice(0, 20)}/${letters.slice(0, 19)}`),
  within("aws", "aws_secret_access_key = ", `${letters.slice(0, 20)}+${letters.slice(0, 19)}`),
  within("telegram", "123456789:", `AA${letters}x`),
  within("discord", "https://discord.com/api/webhooks/123456789012345678/", long),
  within("discord", `M${letters.slice(0, 23)}.`, `aB3dEf.${long.slice(0, 38)}`),
  token("jwt", base64url({ alg: "HS256", typ: "JWT" }), ".", base64url({ sub: "42" }), ".", letters),
  within("bearer", "Bearer ", letters),
  within("bearer", "use bearer ", `abcdef-${letters}`),
  within("basic", "Basic ", base64("mallory:letmein")),
  within("basic", "curl -s -u mallory:", "letmein", " https://example.com"),
  within("private-key", "", `-----BEGIN RSA PRIVATE ${"KEY"}-----\n${long}\n${long}\n-----END RSA PRIVATE KEY-----`),
  within("private-key", "", `-----BEGIN PRIVATE ${"KEY"}-----\\n${long}\\n${long.slice(0, 20)}`),
  token("private-key", "AGE-SECRET", "-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
  within("url-password", "postgres://app:", "p@ss-w0rd%21", "@db.example.com:5432/app"),
  within("url-password", "https://", letters, "@git.example.com/x.git"),
  within("signed-url", "https://x.blob.core.windows.net/c?sv=2024&sig=", "Ab3dEf6hIj9kLm2nOp5q%3D", "&se=1"),
  within("signed-url", "https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=", hex + hex),
  token("card", "4111", "1111", "1111", "1111"),
  token("card", "4111", " 1111", " 1111", " 1111"),
  token("card", "5555", "-5555", "-5555", "-4444"),
  token("card", "3782", " 822463", " 10005"),
  within("key", '{"password":"', 'hunt\\"er2', '"}'),
  within("key", "DB_PASSWORD=", "hunter2"),
  within("key", "Password: ", "hunter2"),
  within("key", "x-api-key: ", "abc123"),
  within("key", "Cookie: ", "sid=abc; theme=dark"),
  within("key", "AccountKey=", "Ab3d/Ef6+h==", ";EndpointSuffix=core.windows.net"),
  within("key", "login --password ", "hunter2", " --host x"),
];
