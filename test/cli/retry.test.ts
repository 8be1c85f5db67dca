import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTransient, retry } from "../../cli/retry.ts";

const away = (): Error => Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9050"), { code: "ECONNREFUSED" });
const { signal } = new AbortController();

describe("retry()", () => {
  it("tries again while a service is away", async () => {
    let tries = 0;
    const operation = (): Promise<string> => {
      tries += 1;
      return tries < 3 ? Promise.reject(away()) : Promise.resolve("here");
    };
    assert.equal(await retry("it", { deadlineMs: 60_000, signal }, operation), "here");
    assert.equal(tries, 3);
  });

  it("gives up at its deadline, and says what it waited for", async () => {
    const cause = away();
    const failing = retry("the warehouse", { deadlineMs: 0, signal }, () => Promise.reject(cause));
    await assert.rejects(failing, { code: "ERR_DEADLINE", message: /^the warehouse/, cause });
  });

  it("does not repeat what can never succeed", async () => {
    const refusal = Object.assign(new Error("Syntax error"), { code: 400 });
    let tries = 0;
    const operation = (): Promise<never> => {
      tries += 1;
      return Promise.reject(refusal);
    };
    await assert.rejects(retry("it", { deadlineMs: 60_000, signal }, operation), refusal);
    assert.equal(tries, 1);
  });

  it("ends at once when it is interrupted", async () => {
    const interrupted = retry("it", { deadlineMs: 60_000, signal: AbortSignal.abort() }, () => Promise.reject(away()));
    await assert.rejects(interrupted, { name: "AbortError" });
  });
});

describe("isTransient()", () => {
  it("knows codes of the system, of HTTP and of gRPC, also behind another error", () => {
    for (const code of ["ECONNRESET", 503, 14]) {
      const error = Object.assign(new Error("x"), { code });
      assert.ok(isTransient(error));
      assert.ok(isTransient(new Error("outer", { cause: error })));
    }
    for (const code of ["ENOENT", 404, 5]) assert.ok(!isTransient(Object.assign(new Error("x"), { code })));
    assert.ok(!isTransient("ECONNRESET"));
  });
});
