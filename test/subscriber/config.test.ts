import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { dedupFromEnvironment, serviceFromEnvironment } from "@indelible/subscriber/config.ts";

describe("serviceFromEnvironment()", () => {
  it("refuses a dataset that is no name of one", () => {
    assert.throws(() => serviceFromEnvironment({ GOOGLE_CLOUD_PROJECT: "p", INDELIBLE_DATASET: "p.logs" }), {
      code: "ERR_CONFIG",
      message: /INDELIBLE_DATASET is "p\.logs"/,
    });
  });
});

describe("dedupFromEnvironment()", () => {
  it("shares nothing by default, nor with a URL that is set to nothing", async () => {
    for (const env of [{}, { INDELIBLE_DEDUP_REDIS_URL: "" }]) {
      const dedup = dedupFromEnvironment(env);
      assert.equal(dedup.degraded, false);
      await dedup.close();
    }
  });

  const urls = ["redis://127.0.0.1:1", "rediss://user:p%40ss@127.0.0.1:1/2", "redis://:secret@[::1]:1/"];
  for (const url of urls) {
    it(`takes ${url}, and does not wait for it`, async () => {
      await dedupFromEnvironment({ INDELIBLE_DEDUP_REDIS_URL: url, INDELIBLE_DEDUP_TTL_SECONDS: "60" }).close();
    });
  }

  const nonsense: [string, string][] = [
    ["another scheme", "https://secret.example"],
    ["no scheme", "secret.example:6379"],
    ["no host", "redis://"],
    ["a name of a database", "redis://host/secret"],
    ["a query, as a ? in a password makes one", "redis://:sec?ret@host"],
    ["a fragment, as a # in a password makes one", "redis://:secret#@host"],
    ["a percent sign that escapes nothing", "redis://:secret%@host"],
    ["no URL at all", "secret"],
  ];
  for (const [what, url] of nonsense) {
    it(`refuses a URL with ${what}, and does not repeat it`, () => {
      assert.throws(
        () => dedupFromEnvironment({ INDELIBLE_DEDUP_REDIS_URL: url }),
        (error: Error & { code?: string }) =>
          error.code === "ERR_CONFIG" &&
          error.message.startsWith("INDELIBLE_DEDUP_REDIS_URL") &&
          !/sec/.test(error.message),
      );
    });
  }

  for (const seconds of ["0", "-1", "1.5", "6h", "2678401"]) {
    it(`refuses to remember for ${seconds} seconds`, () => {
      assert.throws(() => dedupFromEnvironment({ INDELIBLE_DEDUP_TTL_SECONDS: seconds }), {
        code: "ERR_CONFIG",
        message: new RegExp(`^INDELIBLE_DEDUP_TTL_SECONDS is "?${seconds}"?$`),
      });
    });
  }
});

describe("serviceFromEnvironment()", () => {
  it("refuses a token that no header can hold, and does not repeat it", () => {
    const env = {
      GOOGLE_CLOUD_PROJECT: "p",
      BIGQUERY_STORAGE_HOST: "127.0.0.1:1",
      INDELIBLE_WAREHOUSE_TOKEN: "secret\n",
    };
    assert.throws(
      () => serviceFromEnvironment(env),
      (error: Error & { code?: string }) => error.code === "ERR_CONFIG" && !error.message.includes("secret"),
    );
  });
});
