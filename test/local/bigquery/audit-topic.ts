import { startBroker, type Broker } from "../../../local/pubsub/broker.ts";
import { temporaryFolder } from "./clients.ts";

export interface LogEntry {
  readonly insertId: string;
  readonly logName: string;
  readonly timestamp: string;
  readonly resource: { readonly type: string; readonly labels: object };
  readonly protoPayload: {
    readonly resourceName: string;
    readonly methodName: string;
    readonly authenticationInfo: object;
    readonly requestMetadata: { readonly callerIp: string; readonly callerSuppliedUserAgent: string };
    readonly metadata: { readonly jobChange?: JobChange; readonly tableDataRead?: object };
  };
}
interface JobChange {
  readonly after: string;
  readonly job: {
    readonly jobName: string;
    readonly jobConfig: { readonly queryConfig: { readonly [name: string]: string }; readonly labels?: object };
    readonly jobStatus: { readonly errorResult?: { readonly message: string } };
    readonly jobStats: { readonly queryStats: object };
  };
}

/** A broker with the audit topic and a subscription on it. */
export class AuditTopic {
  readonly topic = "projects/test-project/topics/agent-logs.bigquery-audit";
  readonly #dataDirectory: string;
  #broker: Broker;
  #stopped = false;

  private constructor(dataDirectory: string, broker: Broker) {
    this.#dataDirectory = dataDirectory;
    this.#broker = broker;
  }

  static async start(): Promise<AuditTopic> {
    const dataDirectory = await temporaryFolder();
    const started = new AuditTopic(dataDirectory, await startBroker({ dataDirectory, port: 0, restPort: 0 }));
    await started.#call("PUT", started.topic, {});
    await started.#call("PUT", SUBSCRIPTION, { topic: started.topic });
    return started;
  }

  /** Of gRPC, as host:port. */
  get host(): string {
    return `127.0.0.1:${this.#broker.port}`;
  }

  /** The next records, at least `count` of them, acknowledged. */
  async take(count: number): Promise<LogEntry[]> {
    const entries: LogEntry[] = [];
    while (entries.length < count) {
      const { receivedMessages = [] } = (await this.#call("POST", `${SUBSCRIPTION}:pull`, { maxMessages: 1000 })) as {
        receivedMessages?: { ackId: string; message: { data: string } }[];
      };
      entries.push(
        ...receivedMessages.map(
          ({ message }) => JSON.parse(Buffer.from(message.data, "base64").toString()) as LogEntry,
        ),
      );
      const ackIds = receivedMessages.map(({ ackId }) => ackId);
      await this.#call("POST", `${SUBSCRIPTION}:acknowledge`, { ackIds });
    }
    return entries;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.#broker.close();
  }

  /** On the port that it had. */
  async startAgain(): Promise<void> {
    const { port } = this.#broker;
    this.#stopped = false;
    this.#broker = await startBroker({ dataDirectory: this.#dataDirectory, port, restPort: 0 });
  }

  async #call(method: string, path: string, body: object): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#broker.restPort}/v1/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }
}

const SUBSCRIPTION = "projects/test-project/subscriptions/test";
