/**
 * The long form of the fuzz test: `node test/fuzz/run.ts [--messages 1000000] [--seed 1]`. Prints what became of the events; exit code 1 at the first
 * message that is not accounted for, with the seed that shows it again.
 */
import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";

const { values } = parseArgs({
  options: { messages: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
});
const messages = Number(values.messages);
const startMs = performance.now();
const figures = await fuzz({
  messages,
  seed: Number(values.seed),
  onProgress: (done) => {
    if (done % 100_000 === 0)
      process.stderr.write(`${done.toLocaleString("en")} of ${messages.toLocaleString("en")} messages\n`);
  },
});
const { deadLettered, ...counts } = figures;
console.log(`seed ${values.seed}, ${Math.round((performance.now() - startMs) / 1000)} s`);
console.table({ ...counts, slowestMs: Math.round(counts.slowestMs) });
console.table(Object.fromEntries(Object.entries(deadLettered).sort(([, a], [, b]) => b - a)));
