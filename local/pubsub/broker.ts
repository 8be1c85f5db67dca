import type { BrokerFaults } from "./broker-faults.ts";
import { Catalog } from "./catalog.ts";
import { Commits } from "./commits.ts";
import { openDatabase } from "./database.ts";
import { grpcServer, listen, shutDown } from "./grpc.ts";
import { logToStderr, type Log } from "../log.ts";
import { Messages } from "./messages.ts";
import { PushDelivery } from "./push.ts";
import { Retention } from "./retention.ts";
import { serveRest } from "./rest.ts";
import { PubSubService } from "./service.ts";
import { StatusError } from "./status.ts";
import type { Clock } from "./time.ts";

/** How long `close()` lets running calls end. */
const CLOSE_GRACE_MS = 2000;

export interface BrokerOptions {
  /** Created when it does not exist, never emptied, held by one broker at a time. */
  readonly dataDirectory: string;
  /** Of the gRPC server on 127.0.0.1; 0 is any free one. */
  readonly port: number;
  /** Of the REST server on 127.0.0.1, for `gcloud pubsub`; absent: none. */
  readonly restPort?: number;
  readonly now?: Clock;
  readonly log?: Log;
  /** Faults to suffer, for tests. Default: none. */
  readonly faults?: BrokerFaults | undefined;
}

export interface Broker {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Undefined without a REST server. */
  readonly restPort: number | undefined;
  /** Group commits so far. */
  readonly transactions: number;
  /** Deletes what retention no longer covers; the broker does it once a minute. */
  sweep(): Promise<void>;
  /** Ends streams and pushes, commits what was accepted and closes the database; within 3 s. */
  close(): Promise<void>;
}

/**
 * Starts a Pub/Sub broker that Google's clients reach with PUBSUB_EMULATOR_HOST=host:port.
 * @throws {Error} when the folder is in use or the port taken (EADDRINUSE).
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { now = Date.now, log = logToStderr, faults } = options;
  const database = openDatabase(options.dataDirectory);
  const commits = new Commits(database);
  const messages = new Messages(database, now);
  const catalog = new Catalog(database, commits, messages, { now, log, faults }, (subscription) => {
    const { pushEndpoint } = subscription.config;
    if (pushEndpoint !== null) subscription.leases.add(new PushDelivery(subscription, pushEndpoint, log, faults));
  });
  const retention = new Retention(database, catalog, commits, messages, now, log);
  const service = new PubSubService(catalog, commits, messages, faults);
  const server = grpcServer(service, log);
  let rest: Awaited<ReturnType<typeof serveRest>> | undefined;

  const close = async (): Promise<void> => {
    for (const { leases } of catalog.subscriptions) {
      leases.end(new StatusError("UNAVAILABLE", "The broker is stopping: connect again."));
    }
    rest?.server.close();
    await shutDown(server, CLOSE_GRACE_MS);
    await retention.close();
    for (const { leases } of catalog.subscriptions) leases.close();
    commits.flush();
    database.close();
  };
  try {
    const port = await listen(server, options.port);
    if (options.restPort !== undefined) rest = await serveRest(service, options.restPort);
    return {
      host: "127.0.0.1",
      port,
      restPort: rest?.port,
      get transactions() {
        return commits.transactions;
      },
      sweep: () => retention.sweep(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
