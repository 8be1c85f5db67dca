import { Presets, SingleBar } from "cli-progress";
import { thousands } from "./table.ts";

/** Shows how far something is. Call `stop` when it ends, however it ends. */
export interface Progress {
  /** `value` of `total`, which stays the same; undefined when nobody knows it. */
  update(value: number, total: number | undefined): void;
  stop(): void;
}

const lineEveryMs = 2000;

/** A bar on a terminal, otherwise a plain line every two seconds; always on stderr, because stdout is for data. */
export function createProgress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? bar(label, stream) : lines(label, stream);
}

function bar(label: string, stream: NodeJS.WriteStream): Progress {
  let single: SingleBar | undefined;
  return {
    update(value, total) {
      if (single === undefined) {
        const format = total === undefined ? `${label} {value}` : `${label} {bar} {value}/{total}`;
        const options = { format, formatValue: grouped, stream, clearOnComplete: true, hideCursor: true };
        single = new SingleBar(options, Presets.shades_classic);
        single.start(total ?? 0, value);
      } else {
        single.update(value);
      }
    },
    stop: () => single?.stop(),
  };
}

function grouped(value: number, _options: unknown, type: string): string {
  return type === "value" || type === "total" ? thousands(value) : String(value);
}

function lines(label: string, stream: NodeJS.WriteStream): Progress {
  let lastAt = performance.now();
  return {
    update(value, total) {
      if (performance.now() - lastAt < lineEveryMs) return;
      lastAt = performance.now();
      stream.write(`${label} ${thousands(value)}${total === undefined ? "" : `/${thousands(total)}`}\n`);
    },
    stop() {},
  };
}
