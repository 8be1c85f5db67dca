import { parseArgs } from "node:util";
import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";
import { brokerFaultPoints } from "./broker-faults.ts";
import { startBroker, type Broker } from "./broker.ts";
import { faultsOfOption, listed } from "../faults.ts";
import { logToStderr } from "../log.ts";

const USAGE = `Usage: node local/pubsub/main.ts --data DIR [--port 8085] [--rest-port PORT] [--faults JSON]
--faults, for tests: such as '{"seed": 7, "publish": {"cut-after": 0.01}}', with ${listed(brokerFaultPoints)}.`;
const DEFAULT_PORT = 8085;

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    port: { type: "string", default: String(DEFAULT_PORT) },
    "rest-port": { type: "string" },
    faults: { type: "string" },
  },
});

// Its lines are not JSON, and what they report is reported here.
setLogVerbosity(logVerbosity.NONE);

let broker: Broker | undefined;
let stopping = false;

async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  await broker?.close();
  // A socket that a client keeps open would hold the process.
  process.exit(0);
}

function portOf(option: string, value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`${option} must be 0 to 65535, not ${value}.`);
  return port;
}

process.on("SIGTERM", () => void stop());
process.on("SIGINT", () => void stop());
process.on("disconnect", () => void stop());

try {
  if (values.data === undefined) throw new Error(`Say where to keep the messages: --data DIRECTORY. ${USAGE}`);
  const restPort = values["rest-port"];
  broker = await startBroker({
    dataDirectory: values.data,
    port: portOf("--port", values.port),
    faults: faultsOfOption(values.faults, brokerFaultPoints, (point, kind) =>
      logToStderr("WARNING", "A fault was injected", { point, kind }),
    ),
    ...(restPort !== undefined && { restPort: portOf("--rest-port", restPort) }),
  });
  const { host, port } = broker;
  process.stdout.write(
    `${JSON.stringify({ service: "pubsub", ready: true, host, port, restPort: broker.restPort })}\n`,
  );
} catch (error) {
  logToStderr("ERROR", "The Pub/Sub broker did not start", {
    reason: error instanceof Error ? error.message : String(error),
  });
  process.exit(1);
}
