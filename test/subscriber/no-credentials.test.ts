import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startService } from "../processes.ts";

describe("the function, without credentials for Pub/Sub", () => {
  it("answers 503 to what it would have to dead-letter, and lives on", async () => {
    const service = await startService("subscriber/main.ts", ["--port", "0"], {
      GOOGLE_CLOUD_PROJECT: "no-credentials",
      GOOGLE_APPLICATION_CREDENTIALS: "/no/such/file.json",
      PUBSUB_EMULATOR_HOST: "",
      BIGQUERY_STORAGE_HOST: "127.0.0.1:1",
      METADATA_SERVER_DETECTION: "none",
    });
    try {
      const origin = `http://127.0.0.1:${service.ready.port}`;
      const message = {
        data: Buffer.from("not json").toString("base64"),
        messageId: "1",
        publishTime: "2026-01-31T09:30:00Z",
      };
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const response = await fetch(`${origin}/conversations`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ message }),
        });
        assert.equal(response.status, 503);
        assert.deepEqual(await response.json(), { error: "ERR_PUBLISH" });
      }
      assert.equal((await fetch(`${origin}/healthz`)).status, 200);
    } finally {
      await service.stop();
    }
  });
});
