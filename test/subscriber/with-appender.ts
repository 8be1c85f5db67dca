import {
  storageWriteAppender,
  type Appender,
  type AppenderOptions,
  type PendingRow,
} from "@indelible/subscriber/appender.ts";
import { scriptedWriteApi, type Answer, type ScriptedWriteApi } from "./scripted-write-api.ts";

/** A row of these bytes, whenever it is appended. */
export const row =
  (text: string): PendingRow =>
  () =>
    Buffer.from(text);
/** The rows of each request that came in. */
export function textsOf(api: ScriptedWriteApi): string[][] {
  return api.requests.map(({ request }) => request.protoRows.rows.serializedRows.map(String));
}

/** Runs a test with an appender against a write API that answers as given, and closes both. */
export async function withAppender(
  answer: Answer,
  use: (appender: Appender, api: ScriptedWriteApi) => Promise<void>,
  options: Partial<AppenderOptions> = {},
): Promise<void> {
  const api = await scriptedWriteApi(answer);
  const appender = storageWriteAppender({ createClient: () => api.client, projectId: "p", datasetId: "d", ...options });
  try {
    await use(appender, api);
  } finally {
    await appender.close();
    api.close();
  }
}

/** Makes the calls, and waits until the first is with the server, so that the others come while it is in flight. */
export async function firstThenOthers<T>(
  api: ScriptedWriteApi,
  calls: readonly (() => Promise<T>)[],
): Promise<Promise<T>[]> {
  const [first, ...others] = calls;
  const started = [first?.() as Promise<T>];
  await api.received(1);
  for (const call of others) started.push(call());
  for (const promise of started) promise.catch(() => {});
  return started;
}
