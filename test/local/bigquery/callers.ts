import { PROJECT } from "./clients.ts";

/** What a request comes to. */
export type Answer = {
  readonly status: number;
  /** BigQuery's reason; undefined when it was answered. */
  readonly reason: string | undefined;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
};

/** Somebody who sends requests to a warehouse with a token of his, or without one. */
export class RestCaller {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ port }: { port: number }, token: string | undefined, project: string = PROJECT) {
    this.#base = `http://127.0.0.1:${port}/bigquery/v2/projects/${project}`;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** `path` goes on behind the project. */
  async send(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const answered = (text === "" ? {} : JSON.parse(text)) as Answer["body"];
    const error = answered["error"] as { message: string; errors: { reason: string }[] } | undefined;
    return {
      status: response.status,
      reason: error?.errors[0]?.reason,
      message: error?.message ?? "",
      body: answered,
    };
  }

  /** Runs a statement; tables without a dataset are those of `datasetId`. */
  query(query: string, datasetId?: string, more: object = {}): Promise<Answer> {
    const defaultDataset = datasetId === undefined ? {} : { defaultDataset: { datasetId } };
    return this.send("POST", "/queries", { query, useLegacySql: false, ...defaultDataset, ...more });
  }

  /** The values of a query that has to be answered. */
  async values(query: string, datasetId?: string): Promise<unknown[][]> {
    const { body, message } = await this.query(query, datasetId);
    if (message !== "") throw new Error(`${query}: ${message}`);
    const rows = (body["rows"] ?? []) as { f: { v: unknown }[] }[];
    return rows.map(({ f }) => f.map(({ v }) => v));
  }
}
