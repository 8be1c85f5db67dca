import { Worker } from "node:worker_threads";
import { IndelibleError, type ErrorCode } from "@indelible/schemas/errors.ts";
import { moduleUrl } from "../modules.ts";
import { errorOf, type Envelope, type Reply, type Request, type Results } from "./protocol.ts";
import type { Tasks } from "./tasks.ts";
import type { BackgroundData } from "./worker.ts";

/** A call that the thread did not finish in time; `line` is the one that it was at. */
export class Stuck extends Error {
  readonly line: number;

  constructor(line: number) {
    super(`the background thread did not get through line ${line} of a pack`);
    this.name = "Stuck";
    this.line = line;
  }
}

interface Call {
  readonly resolve: (result: Results[keyof Results]) => void;
  readonly reject: (error: unknown) => void;
  readonly fallback: ErrorCode;
}

/**
 * The background thread of this process, which all publishers share. It is started by the first call, keeps no process alive,
 * and is started again when it has died. Where no thread can be had (a bundle without its file, a permission that is missing),
 * the same work is done on the calling thread.
 *
 * Calls that were under way when the thread died are rejected with an error that can be tried again: their outcome is unknown.
 */
export class Background {
  #users = 0;
  #worker: Worker | undefined;
  #inline: Promise<Tasks> | undefined;
  #isProven = false;
  #lastId = 0;
  readonly #calls = new Map<number, Call>();
  readonly #progress = new Int32Array(new SharedArrayBuffer(8));

  /** Each publisher says that it uses the thread, and later that it does no more. */
  open(): void {
    this.#users += 1;
  }

  /** With its last user the thread ends. Resolves when its connections are closed; never rejects. */
  async close(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0 || (this.#worker === undefined && this.#inline === undefined)) return;
    await this.call({ kind: "disconnect" }, "ERR_PUBLISH").catch(() => {});
    // Somebody may have come meanwhile.
    if (this.#users === 0) this.#end(new IndelibleError("ERR_CLOSED", "the publisher was closed"));
  }

  /**
   * @param fallback code of an error that is not ours
   * @param lookEveryMs how often to look whether the thread gets on, in milliseconds
   * @throws Stuck if it does not, ERR_CLOSED when nobody uses the thread any more, another IndelibleError otherwise
   */
  async call<K extends Request["kind"]>(
    request: Request & { readonly kind: K },
    fallback: ErrorCode,
    lookEveryMs?: number,
  ): Promise<Results[K]> {
    if (this.#users === 0 && request.kind !== "disconnect") {
      throw new IndelibleError("ERR_CLOSED", "the publisher was closed");
    }
    const worker = this.#inline === undefined ? this.#start() : undefined;
    if (worker === undefined) return (await this.#runInline(request, fallback)) as Results[K];
    const id = (this.#lastId += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Results[keyof Results]>();
    this.#calls.set(id, { resolve, reject, fallback });
    const watch = lookEveryMs === undefined ? undefined : setInterval(this.#look(id), lookEveryMs).unref();
    try {
      // A thread has no origin.
      // oxlint-disable-next-line require-post-message-target-origin
      worker.postMessage({ id, request } satisfies Envelope);
      return (await promise) as Results[K];
    } catch (error) {
      if (error === unavailable) return (await this.#runInline(request, fallback)) as Results[K];
      throw error;
    } finally {
      clearInterval(watch);
      this.#calls.delete(id);
    }
  }

  #start(): Worker | undefined {
    if (this.#worker !== undefined) return this.#worker;
    try {
      // The host's own options (loaders, instrumentation, debuggers) are for its own code.
      const worker = new Worker(moduleUrl("background/worker"), {
        name: "indelible",
        execArgv: [],
        env: { ...process.env, NODE_OPTIONS: "" },
        workerData: { progress: this.#progress } satisfies BackgroundData,
      });
      worker.on("message", (reply: Reply) => {
        this.#isProven = true;
        this.#settle(reply);
      });
      worker.on("error", (error) => this.#die(worker, error));
      worker.on("exit", () => this.#die(worker, undefined));
      // After the listeners, each of which would hold the process.
      worker.unref();
      this.#worker = worker;
      return worker;
    } catch {
      return undefined;
    }
  }

  #settle(reply: Reply): void {
    const call = this.#calls.get(reply.id);
    if (call === undefined) return;
    if ("failure" in reply) call.reject(errorOf(reply.failure, call.fallback));
    else call.resolve(reply.result);
  }

  /**
   * Ends the thread when it is found twice at the same line of the same call. Once is not enough: a machine that slept looks
   * like a thread that is stuck. The call that it is at need not be the one that waits too long.
   */
  #look(id: number): () => void {
    let seen: string | undefined;
    return () => {
      const [at, line] = [Atomics.load(this.#progress, 0), Atomics.load(this.#progress, 1)];
      const place = `${at}:${line}`;
      const culprit = this.#calls.get(at);
      if (seen !== place || culprit === undefined || !this.#calls.has(id)) {
        seen = place;
        return;
      }
      culprit.reject(new Stuck(line));
      this.#end(
        new IndelibleError("ERR_DEADLINE", "the background thread was ended, because it was stuck in a redaction"),
      );
    };
  }

  /** The thread died by itself; one that never answered anything will not do so the next time. */
  #die(worker: Worker, error: Error | undefined): void {
    if (this.#worker !== worker) return;
    if (!this.#isProven) this.#inline ??= loadTasks();
    this.#end(
      this.#isProven
        ? new IndelibleError("ERR_PUBLISH", "the background thread ended while it was at work", {
            ...(error === undefined ? {} : { cause: error }),
            hint: "It is started again. If that goes on, the cause says why: memory, most likely.",
          })
        : unavailable,
    );
  }

  #end(reason: unknown): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    for (const { reject } of this.#calls.values()) reject(reason);
  }

  async #runInline(request: Request, fallback: ErrorCode): Promise<Results[keyof Results]> {
    try {
      this.#inline ??= loadTasks();
      return await (await this.#inline).run(request);
    } catch (error) {
      throw IndelibleError.is(error) ? error : new IndelibleError(fallback, "the work failed", { cause: error });
    }
  }
}

/** There is no thread; the call is made again without. */
const unavailable = new IndelibleError("ERR_CONFIG", "no background thread can be had");

/** By its name, so that it is loaded only where it is needed, also when this file is a part of a bundle. */
async function loadTasks(): Promise<Tasks> {
  const module = (await import(moduleUrl("background/tasks").href)) as { readonly Tasks: new () => Tasks };
  return new module.Tasks();
}

/** The one of this process. */
export const background: Background = new Background();
