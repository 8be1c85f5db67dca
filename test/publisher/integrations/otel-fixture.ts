import { context, trace, type Attributes, type Context, type Span, type Tracer } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, type Sampler, type SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { createSpanProcessor, type SpanProcessorOptions } from "@indelible/publisher/otel";
import { openFixture, type Fixture } from "../recording-transport.ts";

type Event = { readonly [column: string]: unknown };

export interface OtelFixture extends Fixture {
  readonly provider: BasicTracerProvider;
  readonly processor: SpanProcessor;
  readonly tracer: Tracer;
  /** Flushes, and gives the entries of a table in the order in which they were logged. */
  events(table: string): Promise<Event[]>;
}

export function openOtel(options: SpanProcessorOptions & { readonly sampler?: Sampler } = {}): OtelFixture {
  const { sampler, ...rest } = options;
  const fixture = openFixture();
  const processor = createSpanProcessor(fixture.log, rest);
  const provider = new BasicTracerProvider({
    spanProcessors: [processor],
    ...(sampler === undefined ? {} : { sampler }),
  });
  return {
    ...fixture,
    provider,
    processor,
    tracer: provider.getTracer("by-hand", "1.2.3"),
    events: async (table) => {
      await provider.forceFlush();
      return fixture.transport.events(table);
    },
  };
}

/** Makes spans find their parents across awaits, as an application's SDK does. */
export function enableContext(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
}

/** Begins a span with these attributes, inside `parent` if there is one. */
export function begin(tracer: Tracer, attributes: Attributes, parent?: Span, startMs?: number): Span {
  const within: Context = parent === undefined ? context.active() : trace.setSpan(context.active(), parent);
  return tracer.startSpan("by hand", { attributes, ...(startMs === undefined ? {} : { startTime: startMs }) }, within);
}

/** The columns of `names` alone. */
export function pick(event: Event | undefined, ...names: string[]): Event {
  return Object.fromEntries(names.map((name) => [name, event?.[name]]));
}

/** A model call by the conventions, with everything that they know. */
export const chat: Attributes = {
  "gen_ai.operation.name": "chat",
  "gen_ai.provider.name": "anthropic",
  "gen_ai.request.model": "claude",
  "gen_ai.response.model": "claude-2026",
  "gen_ai.usage.input_tokens": 100,
  "gen_ai.usage.output_tokens": 20,
};

export const tool: Attributes = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search" };
