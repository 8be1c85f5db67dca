/** The host must survive its logger: each case is a process of its own, and ends with code 0. */
import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { Stats } from "@indelible/publisher";
import { runHost } from "./host.ts";

/** Until there was an attempt: on a busy machine it takes seconds to load the client. */
const flushUntilTold = `
  let flushed;
  do flushed = await log.flush({ deadlineMs: 500 }); while (codes.size === 0 && performance.now() < 20_000);`;

const logAndFlush = `
  log.action({ action_target: "x" });
  log.thinking({ conversation_id: "c" });
  ${flushUntilTold}
  const { acknowledged, outstanding } = flushed;
  console.log(acknowledged, outstanding, [...codes].join());`;

const logAndClose = `${logAndFlush}
  await log.close({ deadlineMs: 100 });
  console.log(JSON.stringify(log.stats()));`;

/** Two events were outstanding after the flush, and after close() none of them waits any more. */
function assertGivenUp(printed: string): void {
  const [flushed, stats] = printed.split("\n");
  assert.match(flushed!, /^0 2 /);
  const { queued, inFlight, refused } = JSON.parse(stats!) as Stats;
  assert.equal(queued, 0);
  assert.equal(inFlight + refused, 2);
}

/** A port on which `answer` deals with each connection. */
async function listen(answer: (socket: Socket) => void): Promise<{ server: Server; address: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    answer(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("import - Google's client is never loaded by the agent's thread", async () => {
  const printed = await runHost(
    `import { createRequire } from "node:module";
     const loaded = () => Object.keys(createRequire(process.cwd() + "/").cache).filter((path) => path.includes("google"));
     console.log(loaded().length);
     log.action({});
     ${flushUntilTold}
     console.log(loaded().length, codes.size > 0);`,
    { PUBSUB_EMULATOR_HOST: "127.0.0.1:1" },
  );
  assert.equal(printed, "0\n0 true");
});

test("exit - a publisher with events that wait does not keep the process alive", async () => {
  const printed = await runHost(`log.action({}); console.log("end");`, { PUBSUB_EMULATOR_HOST: "127.0.0.1:1" });
  assert.equal(printed, "end");
});

test("host - survives a service that nobody runs", async () => {
  const printed = await runHost(logAndClose, { PUBSUB_EMULATOR_HOST: "127.0.0.1:1" });
  assertGivenUp(printed);
});

test("host - survives credentials that are not there", async () => {
  const printed = await runHost(logAndClose, { GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/key.json" });
  assertGivenUp(printed);
});

describe("host - survives a server", () => {
  const servers: Server[] = [];
  const sockets = new Set<Socket>();
  let silent: string;
  let garbled: string;
  let hangingUp: string;

  before(async () => {
    const open = async (answer: (socket: Socket) => void): Promise<string> => {
      const { server, address } = await listen(answer);
      servers.push(server);
      return address;
    };
    silent = await open((socket) => sockets.add(socket));
    garbled = await open((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    hangingUp = await open((socket) => socket.destroy());
  });

  after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });

  test("that never answers", async () => {
    assert.match(await runHost(logAndFlush, { PUBSUB_EMULATOR_HOST: silent }), /^0 2 .*ERR_DEADLINE/);
  });

  test("that does not speak gRPC", async () => {
    assert.match(await runHost(logAndFlush, { PUBSUB_EMULATOR_HOST: garbled }), /^0 2 /);
  });

  test("that hangs up", async () => {
    assert.match(await runHost(logAndFlush, { PUBSUB_EMULATOR_HOST: hangingUp }), /^0 2 /);
  });
});
