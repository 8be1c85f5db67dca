import { fork, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { isObject } from "../json.ts";
import { readableLine } from "./log-line.ts";

/** Port numbers by their names in the ready line, such as `port` and `grpcPort`. */
export type Ports = { readonly [name: string]: number };

export interface Program {
  /** What it is called in the lines that are printed. */
  readonly name: string;
  /**
   * It gets `--port N` and so on, prints one JSON line with `ready: true` and its ports, and ends when its IPC channel
   * closes.
   */
  readonly path: string;
  readonly arguments: readonly string[];
  /** Added to the environment of this process. */
  readonly environment: { readonly [name: string]: string };
  /** Takes each line that is worth showing. */
  readonly onLine: (line: string) => void;
}

export type Launch =
  | { readonly ready: true; readonly ports: Ports }
  | { readonly ready: false; readonly failure: LaunchFailure; readonly error: IndelibleError };

/** `killed`: by somebody else's signal, which says nothing about the program. */
export type LaunchFailure = "port taken" | "killed" | "failed";

/** A process that was started once. */
export interface Child {
  readonly process: ChildProcess;
  /** Resolves when it is ready, or is not going to be: it has ended, or was killed after 30 s. Never rejects. */
  readonly launch: Promise<Launch>;
  /** Resolves with the reason when the process has ended and its last line was read. Never rejects. */
  readonly ended: Promise<string>;
}

const readyDeadlineMs = 30_000;
const maxEarlyLines = 50;

/**
 * Starts `program` on `ports`, of which 0 is any free one.
 *
 * The child runs in a process group of its own, so that Ctrl-C on the terminal reaches us alone and we can end the
 * children in order; should we die, its IPC channel closes and it ends by itself.
 */
export function startChild(program: Program, ports: Ports): Child {
  const { name, onLine } = program;
  const portArguments = Object.entries(ports).flatMap(([port, number]) => [`--${kebab(port)}`, String(number)]);
  const child = fork(program.path, [...program.arguments, ...portArguments], {
    env: { ...process.env, ...program.environment },
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    detached: true,
  });
  const launch = Promise.withResolvers<Launch>();
  const ended = Promise.withResolvers<string>();
  const fail = (failure: LaunchFailure, error: IndelibleError): void =>
    launch.resolve({ ready: false, failure, error });
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    const message = `${name} was not ready within ${readyDeadlineMs / 1000} s`;
    fail("failed", new IndelibleError("ERR_DEADLINE", message));
  }, readyDeadlineMs);

  let isReady = false;
  let portTaken = false;
  // Held back until it is known whether they only say that a port is taken, which is no news while ports are being
  // chosen.
  const early: string[] = [];
  const show = (line: string): void => {
    const readable = readableLine(line);
    if (readable !== undefined) onLine(`${name}: ${readable}`);
  };
  eachLine(child.stdout, (line) => {
    const announced = isReady ? undefined : readyPorts(line, ports);
    if (announced === undefined) return show(line);
    clearTimeout(timer);
    isReady = true;
    early.forEach(show);
    launch.resolve({ ready: true, ports: announced });
  });
  eachLine(child.stderr, (line) => {
    if (isReady) return show(line);
    portTaken ||= line.includes("EADDRINUSE");
    if (early.length === maxEarlyLines) early.shift();
    early.push(line);
  });
  child.once("error", (cause) => {
    clearTimeout(timer);
    fail("failed", new IndelibleError("ERR_SERVICE_DIED", `${name} could not be started`, { cause }));
    ended.resolve(cause.message);
  });
  // "close" and not "exit": by then the last lines have been read.
  child.once("close", (code, signal) => {
    clearTimeout(timer);
    const failure = portTaken ? "port taken" : signal === null ? "failed" : "killed";
    const reason = signal ?? `exit code ${code}`;
    const shown = portTaken ? failure : reason;
    if (!isReady && !portTaken) early.forEach(show);
    fail(failure, new IndelibleError("ERR_SERVICE_DIED", `${name} ended before it was ready (${shown})`));
    ended.resolve(reason);
  });
  return { process: child, launch: launch.promise, ended: ended.promise };
}

/** The ports that a ready line announces, or undefined when `line` is no such line or lacks one of them. */
function readyPorts(line: string, expected: Ports): Ports | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value["ready"] !== true) return undefined;
  const ports = Object.keys(expected).map((name): [string, unknown] => [name, value[name]]);
  return ports.every((entry): entry is [string, number] => typeof entry[1] === "number")
    ? Object.fromEntries(ports)
    : undefined;
}

function eachLine(stream: NodeJS.ReadableStream | null, take: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream }).on("line", take);
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
