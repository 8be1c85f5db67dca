import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PubSub } from "@google-cloud/pubsub";
import { startService } from "../processes.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const example = fileURLToPath(new URL("example.ts", import.meta.url));

describe("README.md", () => {
  it("shows the very example that is type-checked and run here", () => {
    const [, shown] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
    assert.equal(shown, readFileSync(example, "utf8"));
  });

  it("has an example that logs five events", async () => {
    const data = mkdtempSync(join(tmpdir(), "indelible-readme-"));
    const broker = await startService("local/pubsub/main.ts", ["--data", data, "--port", "0"]);
    const PUBSUB_EMULATOR_HOST = `127.0.0.1:${broker.ready.port}`;
    const pubsub = new PubSub({
      projectId: "readme",
      apiEndpoint: PUBSUB_EMULATOR_HOST,
      emulatorMode: true,
      clientOptions: { universeDomain: "googleapis.com" },
    });
    try {
      for (const table of ["conversations", "thinking_logs", "mcp_usage_logs", "decision_logs"]) {
        await pubsub.createTopic(`agent-logs.${table}`);
      }
      const env = {
        ...process.env,
        PUBSUB_EMULATOR_HOST,
        GOOGLE_CLOUD_PROJECT: "readme",
        METADATA_SERVER_DETECTION: "none",
      };
      const { stdout } = await promisify(execFile)(process.execPath, [example], { env });
      assert.equal(stdout, "5 events are with Pub/Sub, 0 are not\n");
    } finally {
      await pubsub.close();
      await broker.stop();
      rmSync(data, { recursive: true });
    }
  });
});

describe("links in the documents", () => {
  const documents = ["*.md", "docs/*.md", "bench/*.md"].flatMap((pattern) => globSync(pattern, { cwd: root }));
  for (const document of documents) {
    it(`${document} links to files that exist`, () => {
      const text = readFileSync(join(root, document), "utf8");
      for (const [, target = ""] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        assert.ok(existsSync(join(root, document, "..", target)), target);
      }
    });
  }
});
