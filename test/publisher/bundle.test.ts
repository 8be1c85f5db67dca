/** What is published is not what runs in the repository: JavaScript in a few files, with types. It is used here as a stranger would. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pullMessages, startTarget, type Target } from "../local/pubsub/target.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
let home: string;
let target: Target;

before(async () => {
  target = await startTarget();
  home = await realpath(await mkdtemp(join(tmpdir(), "indelible-bundle-")));
  await mkdir(join(home, "node_modules", "@indelible"), { recursive: true });
  await run(process.execPath, ["publisher/bundle.ts", join(home, "node_modules", "@indelible", "publisher")], {
    cwd: root,
  });
  for (const name of ["@google-cloud", "@types", "ajv"]) {
    await symlink(join(root, "node_modules", name), join(home, "node_modules", name));
  }
});

after(async () => {
  await target.close();
  await rm(home, { recursive: true });
});

async function runModule(source: string): Promise<string> {
  const path = join(home, "host.mjs");
  await writeFile(path, source);
  const project = target.project.slice("projects/".length);
  const env = {
    PATH: process.env["PATH"],
    PUBSUB_EMULATOR_HOST: target.address,
    PUBSUB_PROJECT_ID: project,
    METADATA_SERVER_DETECTION: "none",
  };
  return (await run(process.execPath, [path], { cwd: home, env, timeout: 60_000 })).stdout.trim();
}

test("the package - importing and constructing load one file of its own, of less than 100,000 bytes, and none of others", async () => {
  const printed = await runModule(`
    import { createRequire, registerHooks } from "node:module";
    import { readFileSync } from "node:fs";
    import { fileURLToPath } from "node:url";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { createPublisher } = await import("@indelible/publisher");
    const log = createPublisher({ businessId: "acme", agentPosition: "CFO" });
    const files = loaded.filter((url) => url.startsWith("file:")).map((url) => fileURLToPath(url));
    const required = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify({ files: files.map((path) => path.split("node_modules/").at(-1)), required,
      bytes: files.reduce((sum, path) => sum + readFileSync(path).length, 0) }));
    await log.close();`);
  const { files, required, bytes } = JSON.parse(printed) as { files: string[]; required: string[]; bytes: number };
  assert.deepEqual(files, ["@indelible/publisher/publisher.js"]);
  assert.deepEqual(required, []);
  assert.ok(bytes < 100_000, `${bytes} bytes`);
});

test("the package - sends from its thread, with a spool, and is strict when told to", async () => {
  const subscription = target.subscriptionName("agent-logs.action_logs");
  await target.publisher.createTopic({ name: target.topicName("agent-logs.action_logs") });
  await target.subscriber.createSubscription({ name: subscription, topic: target.topicName("agent-logs.action_logs") });
  const printed = await runModule(`
    import { createPublisher } from "@indelible/publisher";
    const options = { businessId: "acme", agentPosition: "CFO" };
    const spool = { directory: ${JSON.stringify(join(home, "spool"))} };
    const log = createPublisher({ ...options, spool, redaction: { keys: ["pin"] }, strict: true });
    log.action({ action_target: "x", action_details: { pin: "1234" } });
    try { log.action({ nonsense: 1 }); } catch ({ code }) { console.log(code); }
    console.log(JSON.stringify(await log.close()));`);
  assert.match(printed, /ERR_UNKNOWN_FIELD\n\{"acknowledged":1,"spooled":0,"outstanding":0\}$/);
  const [message] = await pullMessages(target, subscription, 1);
  assert.match(message!.data, /"pin":"\[REDACTED:key\]"/);
});

test("the package - has types that hold in a project of somebody else", async () => {
  await writeFile(
    join(home, "types.mts"),
    `import { createPublisher, type Stats } from "@indelible/publisher";
     import { logMcp } from "@indelible/publisher/mcp";
     const log = createPublisher({ businessId: "acme", agentPosition: "CFO", spool: { directory: "x" } });
     const id: string = log.action({ action_type: "mcp_call", action_details: { a: [1] } });
     const { queued }: Stats = log.stats();
     // @ts-expect-error a closed set
     log.action({ action_type: "nonsense" });
     // @ts-expect-error a required column
     log.mcpCall({ tool_name: "t" });
     export { id, logMcp, queued };`,
  );
  const tsc = join(root, "node_modules", ".bin", "tsc");
  const options = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2024", "--types", "node"];
  await run(tsc, [...options, "types.mts"], { cwd: home });
});
