import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PubSub } from "@google-cloud/pubsub";
import { startService } from "../../processes.ts";
import { completion, json, serve } from "./openai-server.ts";

const folder = fileURLToPath(new URL("./", import.meta.url));
const docs = readFileSync(new URL("../../../docs/integrations.md", import.meta.url), "utf8");

/** The examples of docs/integrations.md that stand in files of this folder, by the headings of their sections. */
const examples = {
  "OpenAI and OpenRouter": { file: "openai-example.ts", stdout: "5 events are with Pub/Sub\n" },
  MCP: { file: "mcp-example.ts", stdout: "1 events are with Pub/Sub\n" },
  "What a call costs": { file: "cost-example.ts", stdout: "0.0381 @pydantic/genai-prices\n" },
} as const;

describe("docs/integrations.md", () => {
  for (const [heading, { file }] of Object.entries(examples)) {
    it(`shows under "${heading}" the very example that is type-checked and run here`, () => {
      const [, section = ""] = docs.split(`\n## ${heading}\n`);
      const [, shown] = /```ts\n([\s\S]*?)```/.exec(section) ?? [];
      assert.equal(shown, readFileSync(join(folder, file), "utf8"));
    });
  }

  it("has examples that log what they say", async (t) => {
    const { baseURL } = await serve(t, (_, response, path) =>
      json(
        response,
        path.endsWith("/responses") ? { object: "response", status: "completed", output: [] } : completion("No"),
      ),
    );
    const data = mkdtempSync(join(tmpdir(), "indelible-integrations-"));
    const broker = await startService("local/pubsub/main.ts", ["--data", data, "--port", "0"]);
    const PUBSUB_EMULATOR_HOST = `127.0.0.1:${broker.ready.port}`;
    const pubsub = new PubSub({
      projectId: "docs",
      apiEndpoint: PUBSUB_EMULATOR_HOST,
      emulatorMode: true,
      clientOptions: { universeDomain: "googleapis.com" },
    });
    try {
      for (const table of ["conversations", "action_logs", "mcp_usage_logs"]) {
        await pubsub.createTopic(`agent-logs.${table}`);
      }
      const env = {
        ...process.env,
        PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
        PUBSUB_EMULATOR_HOST,
        GOOGLE_CLOUD_PROJECT: "docs",
        METADATA_SERVER_DETECTION: "none",
        OPENAI_API_KEY: "k",
        OPENAI_BASE_URL: baseURL,
      };
      for (const { file, stdout } of Object.values(examples)) {
        const run = await promisify(execFile)(process.execPath, [file], { cwd: folder, env });
        assert.equal(run.stdout, stdout);
      }
    } finally {
      await pubsub.close();
      await broker.stop();
      rmSync(data, { recursive: true });
    }
  });
});
