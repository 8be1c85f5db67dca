/** How a host ends, and what becomes of its events then: each case is a process of its own. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readRecords } from "@indelible/publisher/spool/record.ts";
import { openFixture } from "./recording-transport.ts";
import { filesIn, temporaryFolder } from "./spool/folder.ts";

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly printed: readonly string[];
  readonly stderr: string;
}

/**
 * Runs `body` in a process, with `createPublisher`, `options` and, from `sent()`, what the transport took. A line that says "ready"
 * is answered by SIGTERM.
 */
async function end(body: string, directory = ""): Promise<Ended> {
  const source = `
    import { createPublisher } from "@indelible/publisher";
    let sent = 0;
    const transport = {
      publish: async () => { await new Promise((resolve) => setTimeout(resolve, 20)); return String((sent += 1)); },
      close: async () => {},
    };
    const spool = process.env.SPOOL === "" ? {} : { spool: { directory: process.env.SPOOL } };
    const options = { businessId: "acme", agentPosition: "CFO", compression: "none", transport, ...spool };
    process.on("exit", () => console.log("sent " + sent));
    ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { PATH: process.env["PATH"], SPOOL: directory },
    timeout: 20_000,
  });
  const stderr = text(child.stderr);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    if (chunk.includes("ready")) child.kill("SIGTERM");
  });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, signal, printed: stdout.trim().split("\n"), stderr: await stderr };
}

/** What a spool holds, over all folders in it. */
function spooled(directory: string): string[] {
  return filesIn(directory)
    .filter((path) => path.endsWith(".seg"))
    .flatMap((path) => readRecords(readFileSync(join(directory, path))).events);
}

/** A publisher that opens the same spool and sends what is there. */
async function adopted(directory: string): Promise<unknown[]> {
  const { log, transport } = openFixture({ spool: { directory } });
  await log.close();
  return transport.events("action_logs").map(({ action_target }) => action_target);
}

const forever = "setInterval(() => {}, 1_000);";

describe("closeOnExit", { concurrency: 2 }, () => {
  test("beforeExit - sends what waits before the process ends by itself", async () => {
    const ended = await end(`createPublisher({ ...options, closeOnExit: true, lingerMs: 60_000 }).action({});`);
    assert.deepEqual(ended, { code: 0, signal: null, printed: ["sent 1"], stderr: "" });
  });

  test("beforeExit - without the option, what waits is lost, and the process ends at once", async () => {
    const ended = await end(`createPublisher({ ...options, lingerMs: 60_000 }).action({});`);
    assert.deepEqual(ended, { code: 0, signal: null, printed: ["sent 0"], stderr: "" });
  });

  test("SIGTERM - the events are sent, and then the process ends by the signal", async () => {
    const ended = await end(`
      const log = createPublisher({ ...options, closeOnExit: true, lingerMs: 60_000, transport: {
        ...transport,
        publish: async () => { console.log("published"); return "1"; },
      } });
      log.action({});
      ${forever}
      console.log("ready");`);
    assert.deepEqual(ended, { code: null, signal: "SIGTERM", printed: ["ready", "published"], stderr: "" });
  });

  for (const on of ["on", "once", "prependListener"]) {
    for (const order of ["before", "after"]) {
      test(`SIGTERM - a host that listens itself, by ${on}() ${order} the publisher was made, decides how it ends`, async () => {
        const listen = `process.${on}("SIGTERM", async () => {
          await log.close();
          setTimeout(() => process.exit(7), 50);
        });`;
        const make = `const log = createPublisher({ ...options, closeOnExit: true, lingerMs: 60_000 }); log.action({});`;
        const { code, signal, printed } = await end(
          `${order === "before" ? listen + make : make + listen} ${forever} console.log("ready");`,
        );
        assert.deepEqual({ code, signal, printed }, { code: 7, signal: null, printed: ["ready", "sent 1"] });
      });
    }
  }

  test("close() - takes every listener back, and a hundred publishers have one of each and one thread", async (context) => {
    const { printed, stderr, code } = await end(
      `import { Worker } from "node:worker_threads";
       const workers = new Set();
       const { postMessage } = Worker.prototype;
       Worker.prototype.postMessage = function (...args) { workers.add(this); return postMessage.apply(this, args); };
       const names = ["exit", "beforeExit", "SIGTERM", "uncaughtException", "unhandledRejection"];
       const count = () => names.map((name) => process.listenerCount(name)).join();
       console.log(count());
       const logs = Array.from({ length: 100 }, () => createPublisher({ ...options, closeOnExit: true }));
       console.log(count());
       for (const log of logs) log.action({});
       await Promise.all(logs.map((log) => log.flush()));
       await Promise.all(logs.map((log) => log.close()));
       console.log(count(), workers.size);`,
      temporaryFolder(context),
    );
    assert.equal(stderr, "");
    assert.deepEqual(printed, ["1,0,0,0,0", "2,1,1,0,0", "1,0,0,0,0 1", "sent 100"]);
    assert.equal(code, 0);
  });
});

describe("spool", { concurrency: 2 }, () => {
  const deaths: { readonly [death: string]: string } = {
    "process.exit() in the tick of the call": "process.exit(3);",
    "an uncaught exception in the tick of the call": `throw new Error("the host's own");`,
    "process.exit() in a microtask": "await null; process.exit(3);",
    "a rejection that nobody handles": `Promise.reject(new Error("the host's own")); ${forever}`,
    "process.abort() a tick later": "setImmediate(() => process.abort());",
    "SIGKILL a tick later": `setImmediate(() => process.kill(process.pid, "SIGKILL"));`,
  };
  for (const [death, code] of Object.entries(deaths)) {
    test(`${death} - the events are on disk, and the next process sends them`, async (context) => {
      const directory = temporaryFolder(context);
      await end(
        `const log = createPublisher({ ...options, lingerMs: 60_000 });
         log.action({ action_target: "first" });
         log.action({ action_target: "last" });
         ${code}`,
        directory,
      );
      assert.equal(spooled(directory).length, 2);
      assert.deepEqual(await adopted(directory), ["first", "last"]);
      assert.deepEqual(filesIn(directory), []);
    });
  }

  test("an exit hook of the host's that logs - its event is on disk as well, whichever hook comes first", async (context) => {
    const directory = temporaryFolder(context);
    await end(
      `process.on("exit", () => log.action({ action_target: "early hook" }));
       const log = createPublisher({ ...options, lingerMs: 60_000 });
       process.on("exit", () => log.action({ action_target: "late hook" }));
       process.exit();`,
      directory,
    );
    assert.deepEqual(await adopted(directory), ["early hook", "late hook"]);
  });
});
