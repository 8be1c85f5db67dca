/**
 * Observability libraries, installed by `npm ci --prefix bench/rivals` alone. Their types are declared here as far as they
 * are used, so that the check passes with and without them.
 */
import { createRequire } from "node:module";
import { Unavailable, type Contender, type Surroundings } from "./contender.ts";

const rivals = new URL("../rivals/package.json", import.meta.url);

function load<T>(name: string): T {
  try {
    return createRequire(rivals)(name) as T;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND") {
      throw new Unavailable("not installed: npm ci --prefix bench/rivals", { cause: error });
    }
    throw error;
  }
}

interface Flushable {
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}
type Constructor<Options, Instance> = new (options: Options) => Instance;

interface SdkLogs {
  readonly LoggerProvider: Constructor<{ readonly processors: readonly Flushable[] }, Flushable & LoggerSource>;
  readonly BatchLogRecordProcessor: Constructor<
    { readonly exporter: object; readonly maxQueueSize: number },
    Flushable
  >;
}
interface LoggerSource {
  getLogger(name: string): { emit(record: object): void };
}
interface LogsExporter {
  readonly OTLPLogExporter: Constructor<{ readonly url: string }, object>;
}

export async function openOtelLogs({ port, maxEvents }: Surroundings): Promise<Contender> {
  const { LoggerProvider, BatchLogRecordProcessor } = load<SdkLogs>("@opentelemetry/sdk-logs");
  const { OTLPLogExporter } = load<LogsExporter>("@opentelemetry/exporter-logs-otlp-proto");
  const exporter = new OTLPLogExporter({ url: `http://127.0.0.1:${port}/v1/logs` });
  const processor = new BatchLogRecordProcessor({ exporter, maxQueueSize: maxEvents });
  const provider = new LoggerProvider({ processors: [processor] });
  const logger = provider.getLogger("bench");
  return {
    log: ({ response_preview: body, ...attributes }) => {
      logger.emit({ severityNumber: 9, severityText: "INFO", eventName: "conversation", body, attributes });
    },
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown(),
  };
}

interface LangfuseOtel {
  readonly LangfuseSpanProcessor: Constructor<
    { readonly publicKey: string; readonly secretKey: string; readonly baseUrl: string },
    Flushable
  >;
}
interface LangfuseTracing {
  setLangfuseTracerProvider(provider: Flushable): void;
  startObservation(
    name: string,
    attributes: object,
    options: { readonly asType: "generation"; readonly startTime: Date },
  ): { end(endTime: Date): void };
}
interface SdkTrace {
  readonly BasicTracerProvider: Constructor<{ readonly spanProcessors: readonly Flushable[] }, Flushable>;
}

export async function openLangfuse({ port, maxEvents }: Surroundings): Promise<Contender> {
  const { LangfuseSpanProcessor } = load<LangfuseOtel>("@langfuse/otel");
  const { setLangfuseTracerProvider, startObservation } = load<LangfuseTracing>("@langfuse/tracing");
  const { BasicTracerProvider } = load<SdkTrace>("@opentelemetry/sdk-trace-base");
  // Langfuse hands no such option on to OpenTelemetry's processor, which reads it from here.
  process.env["OTEL_BSP_MAX_QUEUE_SIZE"] = String(maxEvents);
  const processor = new LangfuseSpanProcessor({
    publicKey: "pk-bench",
    secretKey: "sk-bench",
    baseUrl: `http://127.0.0.1:${port}`,
  });
  const provider = new BasicTracerProvider({ spanProcessors: [processor] });
  setLangfuseTracerProvider(provider);
  return {
    log: (event) => {
      const { user_prompt_preview: input, response_preview: output, model_name: model, ...rest } = event;
      const { input_tokens, output_tokens, total_tokens, cost_usd, started_at, ended_at, ...metadata } = rest;
      startObservation(
        "conversation",
        {
          input,
          output,
          model,
          usageDetails: { input: input_tokens, output: output_tokens, total: total_tokens },
          costDetails: { total: cost_usd },
          metadata,
        },
        { asType: "generation", startTime: new Date(started_at) },
      ).end(new Date(ended_at));
    },
    flush: () => processor.forceFlush(),
    close: () => provider.shutdown(),
  };
}

interface LangSmith {
  readonly Client: Constructor<
    { readonly apiUrl: string; readonly apiKey: string; readonly autoBatchTracing: true },
    { awaitPendingTraceBatches(): Promise<void> }
  >;
  readonly RunTree: Constructor<object, { postRun(): Promise<void> }>;
}

/** One request to create a finished run for each event: the usual post and later patch of a live run would send two. */
export async function openLangSmith({ port }: Surroundings): Promise<Contender> {
  const { Client, RunTree } = load<LangSmith>("langsmith");
  const client = new Client({ apiUrl: `http://127.0.0.1:${port}`, apiKey: "bench", autoBatchTracing: true });
  let outstanding: Promise<void>[] = [];
  return {
    log: (event) => {
      const { user_prompt_preview: prompt, response_preview: response, started_at, ended_at, ...metadata } = event;
      const run = new RunTree({
        client,
        name: "conversation",
        run_type: "llm",
        project_name: "bench",
        tracingEnabled: true,
        inputs: { messages: [{ role: "user", content: prompt }] },
        outputs: { messages: [{ role: "assistant", content: response }] },
        start_time: Date.parse(started_at),
        end_time: Date.parse(ended_at),
        extra: { metadata },
      });
      // Never rejects: it prints what went wrong. It enqueues only after some turns of the loop.
      outstanding.push(run.postRun());
    },
    flush: async () => {
      const posted = outstanding;
      outstanding = [];
      await Promise.all(posted);
      await client.awaitPendingTraceBatches();
    },
    close: async () => {},
  };
}
