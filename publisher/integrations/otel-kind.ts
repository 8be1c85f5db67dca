import { textOf, type Attributes } from "./otel-attributes.ts";

/** What a span is about, as far as the log is concerned. */
export interface Kind {
  /**
   * `call`: a call of a model. `agent`: a run of an agent, which may carry the usage of calls that nobody else reports.
   * `tool`: a call of a tool.
   */
  readonly type: "call" | "agent" | "tool";
  /** Of spans inside each other, those of one group may be about the same thing. */
  readonly group: string;
}

const call: Kind = { type: "call", group: "generation" };
const embedding: Kind = { type: "call", group: "embedding" };
const agent: Kind = { type: "agent", group: "generation" };

/** `gen_ai.operation.name` of the semantic conventions. Not in here: what is neither, such as create_agent or agent_step. */
const byOperation: ReadonlyMap<string, Kind> = new Map([
  ["chat", call],
  ["text_completion", call],
  ["generate_content", call],
  ["embeddings", embedding],
  ["invoke_agent", agent],
]);

/** `llm.request.type` of OpenLLMetry, where it knows no operation yet. */
const byRequestType: ReadonlyMap<string, Kind> = new Map([
  ["chat", call],
  ["completion", call],
  ["embedding", embedding],
]);

/** `ai.operationId` of the Vercel AI SDK, as it was before it followed the conventions. */
const byOperationId: ReadonlyMap<string, Kind> = new Map([
  ...["ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject"].flatMap((id) => pairOf(id, call)),
  ...["ai.embed", "ai.embedMany"].flatMap((id) => pairOf(id, embedding)),
]);

/** The whole operation, and one call of the model within it. */
function pairOf(id: string, kind: Kind): [string, Kind][] {
  const inner = kind === embedding ? "doEmbed" : id.startsWith("ai.stream") ? "doStream" : "doGenerate";
  return [
    [id, kind],
    [`${id}.${inner}`, kind],
  ];
}

const toolNames = ["gen_ai.tool.name", "mcp.tool.name", "ai.toolCall.name"] as const;

/** The name of the tool that a span is about. */
export function toolNameOf(attributes: Attributes): string | undefined {
  for (const name of toolNames) {
    const text = textOf(attributes[name], 256);
    if (text !== undefined) return text;
  }
  return attributes["traceloop.span.kind"] === "tool" ? textOf(attributes["traceloop.entity.name"], 256) : undefined;
}

/** Undefined: nothing that is logged, such as a span of an HTTP client or of our own publishing. */
export function kindOf(attributes: Attributes): Kind | undefined {
  const operation = attributes["gen_ai.operation.name"];
  if (operation === "execute_tool" || isToolCall(attributes)) {
    return { type: "tool", group: `tool ${toolNameOf(attributes) ?? ""}` };
  }
  if (typeof operation === "string") return byOperation.get(operation);
  if (attributes["mcp.method.name"] !== undefined) return undefined;
  return (
    kindIn(byOperationId, attributes["ai.operationId"]) ??
    kindIn(byRequestType, attributes["llm.request.type"]) ??
    (isModelCall(attributes) ? call : undefined)
  );
}

function isToolCall(attributes: Attributes): boolean {
  const method = attributes["mcp.method.name"];
  if (method !== undefined) return method === "tools/call";
  return (
    attributes["mcp.tool.name"] !== undefined ||
    attributes["ai.toolCall.name"] !== undefined ||
    attributes["traceloop.span.kind"] === "tool"
  );
}

/** A system and a model, and nothing that says otherwise: OpenLLMetry's spans, and those of early conventions. */
function isModelCall(attributes: Attributes): boolean {
  return (
    attributes["ai.operationId"] === undefined &&
    attributes["llm.request.type"] === undefined &&
    attributes["traceloop.span.kind"] === undefined &&
    attributes["gen_ai.request.model"] !== undefined &&
    (attributes["gen_ai.system"] !== undefined || attributes["gen_ai.provider.name"] !== undefined)
  );
}

function kindIn(kinds: ReadonlyMap<string, Kind>, name: unknown): Kind | undefined {
  return typeof name === "string" ? kinds.get(name) : undefined;
}
