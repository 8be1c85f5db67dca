import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { credentials, status } from "@grpc/grpc-js";
import { v1 } from "@google-cloud/pubsub";
import { isLoopbackHost } from "../../../local/loopback.ts";
import { oursOnly, startTarget, type Target } from "./target.ts";

let target: Target;
before(async () => {
  target = await startTarget();
});
after(() => target.close());

test(
  "a call whose authority is not this machine is PERMISSION_DENIED",
  { skip: oursOnly("unchecked there") },
  async () => {
    const [servicePath = "", port] = target.address.split(":");
    const rebound = new v1.PublisherClient({
      projectId: "rebound",
      servicePath,
      port: Number(port),
      sslCreds: credentials.createInsecure(),
      "grpc.default_authority": "evil.example:80",
    });
    const name = target.topicName("rebound");
    await assert.rejects(rebound.createTopic({ name }), { code: status.PERMISSION_DENIED });
    await rebound.close();
    await target.publisher.createTopic({ name });
  },
);

test("isLoopbackHost() - knows the names of this machine with and without a port", () => {
  for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:8085", "[::1]", "[::1]:8085"]) {
    assert.ok(isLoopbackHost(host), host);
  }
  for (const host of [
    "",
    undefined,
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example:80",
    "0.0.0.0",
  ]) {
    assert.ok(!isLoopbackHost(host), host);
  }
});
