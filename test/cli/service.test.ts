import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { Service } from "../../cli/dev/service.ts";

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

interface Watched {
  readonly service: Service;
  /** Everything that was shown so far. */
  readonly lines: readonly string[];
  /** Resolves with the next line that holds `part`. */
  shown(part: string): Promise<string>;
}

function watch(t: TestContext, options: { arguments?: string[]; port?: number } = {}): Watched {
  const lines: string[] = [];
  const events = new EventEmitter();
  const service = new Service({
    name: "fixture",
    path: fixture("service.ts"),
    arguments: options.arguments ?? [],
    environment: {},
    usualPorts: { port: options.port ?? 0 },
    restartDelayMs: () => 1,
    onLine(line) {
      lines.push(line);
      events.emit("line", line);
    },
  });
  t.after(() => service.stop());
  return {
    service,
    lines,
    async shown(part) {
      for (;;) {
        const [line] = (await once(events, "line")) as [string];
        if (line.includes(part)) return line;
      }
    },
  };
}

/** What the service that listens on `port` answers: its process ID. */
async function ask(port: number | undefined): Promise<number> {
  return Number(await text(connect(port ?? 0, "127.0.0.1")));
}

describe("Service", () => {
  it("start() - resolves when the service listens, and hides what is below a warning", async (t) => {
    const { service, lines } = watch(t);
    await service.start();
    assert.equal(await ask(service.ports["port"]), service.pid);
    assert.deepEqual(lines, []);
  });

  it("start() - takes a free port when the usual one is taken", async (t) => {
    const squatter = createServer().listen(0, "127.0.0.1");
    t.after(() => squatter.close());
    await once(squatter, "listening");
    const { port } = squatter.address() as AddressInfo;
    const { service, lines } = watch(t, { port });
    await service.start();
    assert.notEqual(service.ports["port"], port);
    assert.equal(await ask(service.ports["port"]), service.pid);
    assert.deepEqual(lines, [`fixture: port ${port} is taken, using a free one`]);
  });

  it("start() - fails with the last lines of a service that ends before it is ready", async (t) => {
    const { service, lines } = watch(t, { arguments: ["--fail"] });
    await assert.rejects(service.start(), { code: "ERR_SERVICE_DIED", message: /exit code 3/ });
    assert.deepEqual(lines, ["fixture: no disk left"]);
  });

  it("start() - starts a service again that is killed before it is ready", async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "indelible-service-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const { service, lines } = watch(t, { arguments: ["--killed-once", join(folder, "mark")] });
    await service.start();
    assert.equal(await ask(service.ports["port"]), service.pid);
    assert.deepEqual(lines, ["fixture ended before it was ready (SIGKILL); starting it again"]);
  });

  it("a service that is killed is started again on the same port", async (t) => {
    const { service, shown } = watch(t);
    await service.start();
    const { pid, ports } = service;
    const again = shown("ready again");
    process.kill(pid ?? 0, "SIGKILL");
    await again;
    assert.deepEqual(service.ports, ports);
    assert.notEqual(service.pid, pid);
    assert.equal(await ask(service.ports["port"]), service.pid);
  });

  it("stop() - ends the service for good", async (t) => {
    const { service, lines } = watch(t);
    await service.start();
    await service.stop();
    assert.equal(service.pid, undefined);
    await assert.rejects(ask(service.ports["port"]), { code: "ECONNREFUSED" });
    assert.deepEqual(lines, []);
  });

  it("stop() - ends a service that is waiting to be started again", async (t) => {
    const { service, shown } = watch(t);
    await service.start();
    const died = shown("died");
    process.kill(service.pid ?? 0, "SIGKILL");
    await died;
    await service.stop();
    assert.equal(service.pid, undefined);
  });

  it("a service ends when its parent is killed -9", async () => {
    const parent = spawn(process.execPath, [fixture("parent.ts")], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    const port = Number(line.split(" ")[1]);
    const connection = connect(port, "127.0.0.1");
    await once(connection, "connect");
    connection.destroy();
    parent.kill("SIGKILL");
    await once(parent, "exit");
    // Nothing tells us that a process which is not our child has ended, but that its port is closed does.
    for (let open = true; open;) {
      open = await ask(port).then(
        () => true,
        () => false,
      );
    }
  });
});
