import type { Fields } from "../fields.ts";
import type { Log } from "../log.ts";
import { guard } from "./guard.ts";
import { watchIterator } from "./iteration.ts";
import { argumentsOf, outcomeOf, type Outcome } from "./mcp-result.ts";
import { bindMethod, overlay, uncover } from "./overlay.ts";
import { clip, field, fieldAt, messageOf, textOf, type CallFields } from "./reading.ts";

export type { CallFields } from "./reading.ts";

/** What is used of an MCP client: that of the official SDK, version 1 or 2, or one of the same shape. */
export interface McpClient {
  callTool(...args: never[]): Promise<unknown>;
  getServerVersion?(): { readonly name: string } | undefined;
}

export interface McpOptions {
  /** `server_name`. Default: the name that the server gave when it was connected, or else "unknown". */
  readonly serverName?: string;
  /** Columns of every entry. */
  readonly fields?: CallFields;
}

type Method = (...args: readonly unknown[]) => unknown;

/**
 * Gives a client whose tool calls are logged as well, each as one entry of `mcp_usage_logs` when it has ended.
 * Arguments, results, errors, progress, cancelling and timeouts are those of `client`, which stays as it is. Wrapping a
 * wrapped client replaces the wrapping, so nothing is logged twice.
 *
 * @param log a publisher; or a conversation, which all calls then belong to
 */
export function logMcp<C extends McpClient>(client: C, log: Pick<Log, "mcpCall">, options: McpOptions = {}): C {
  const target = uncover(client);

  /** Begins an entry, and gives what ends it: once, whatever is called later. */
  function begin(params: unknown): (outcome: () => Outcome) => void {
    const calledAt = new Date();
    const startMs = performance.now();
    let entry: Fields<"mcp_usage_logs"> | undefined;
    guard("mcp", () => {
      entry = {
        ...options.fields,
        server_name: clip(options.serverName ?? textOf(target.getServerVersion?.()?.name) ?? "unknown", 128),
        tool_name: clip(textOf(field(params, "name")) ?? "unknown", 128),
        called_at: calledAt,
        parameters: argumentsOf(params),
      };
    });
    return (outcome) => {
      const begun = entry;
      entry = undefined;
      if (begun === undefined) return;
      const duration_ms = Math.round(performance.now() - startMs);
      let ended: Outcome = {};
      // An answer that cannot be read leaves the call as an entry without an outcome.
      guard("mcp", () => void (ended = outcome()));
      guard("mcp", () => void log.mcpCall({ ...begun, duration_ms, ...ended }));
    };
  }

  function callTool(method: Method): Method {
    return (...args) => {
      const end = begin(args[0]);
      const failed = (error: unknown): Outcome => ({ success: false, error_message: messageOf(error) });
      let answer: unknown;
      try {
        answer = Reflect.apply(method, target, args);
      } catch (error) {
        end(() => failed(error));
        throw error;
      }
      return Promise.resolve(answer).then(
        (result: unknown) => {
          end(() => outcomeOf(result));
          return result;
        },
        (error: unknown) => {
          end(() => failed(error));
          throw error;
        },
      );
    };
  }

  /** Calls that run as tasks: an iteration over messages, of which the last is the result or an error. */
  function callToolStream(tasks: object, method: Method): Method {
    return (...args) => {
      const iterator = Reflect.apply(method, tasks, args);
      if (typeof iterator !== "object" || iterator === null) return iterator;
      // The call begins at the first step: before it, nothing is sent.
      let end: ReturnType<typeof begin> | undefined;
      const ended = (outcome: () => Outcome): void => (end ??= begin(args[0]))(outcome);
      const watched = watchIterator(iterator, {
        value(message) {
          guard("mcp", () => {
            const type = field(message, "type");
            if (type === "result") ended(() => outcomeOf(field(message, "result")));
            if (type === "error") {
              ended(() => ({ success: false, error_message: messageOf(field(message, "error")) }));
            }
          });
        },
        done: () => ended(() => ({ error_message: "the task's messages ended without a result" })),
        failed: (error) => ended(() => ({ success: false, error_message: messageOf(error) })),
        left: () => end?.(() => ({ error_message: "the caller stopped listening before there was a result" })),
      }) as { next: Method };
      const { next } = watched;
      watched.next = (...input) => {
        end ??= begin(args[0]);
        return next(...input);
      };
      return watched;
    };
  }

  const seen = overlay(target, (key, value) => {
    if (key === "callTool" && typeof value === "function") return callTool(value as Method);
    if (key === "experimental" && typeof fieldAt(value, "tasks", "callToolStream") === "function") {
      return overlay(value as object, (inner, tasks) =>
        inner === "tasks"
          ? overlay(tasks as object, (name, method) =>
              name === "callToolStream" ? callToolStream(tasks as object, method as Method) : method,
            )
          : tasks,
      );
    }
    return bindMethod(target, key, value);
  });
  return seen;
}
