/** What importing the publisher costs an agent: everything that is loaded on its thread, before and after the first event is sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runScript } from "./host.ts";

interface Loaded {
  readonly modules: number;
  readonly bytes: number;
  readonly urls: readonly string[];
}

/** Modules that are not ours, or only for the background thread. */
function foreignIn({ urls }: Loaded): string[] {
  return urls.filter((url) => {
    if (url.includes("node_modules") && !url.includes("@indelible")) return true;
    return /validator|redaction\/|preparation|pubsub-transport|background\/(?:worker|tasks)/.test(url);
  });
}

const counting = `
  import { createRequire, registerHooks } from "node:module";
  const sizes = new Map();
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url.startsWith("file:")) sizes.set(url, Buffer.byteLength(loaded.source ?? ""));
      return loaded;
    },
  });
  const required = createRequire(import.meta.url).cache;
  const print = () => {
    const urls = [...sizes.keys(), ...Object.keys(required)];
    console.log(JSON.stringify({
      modules: sizes.size,
      bytes: [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0),
      urls,
    }));
  };
  const { createPublisher } = await import("@indelible/publisher");
  print();
  const agent = { businessId: "acme", agentPosition: "CFO" };
  const transport = { publish: async () => "1", close: async () => {} };
  const log = createPublisher({ ...agent, transport });
  print();
  log.conversation.start({}).end();
  await log.flush();
  print();
  await log.close();`;

test("import - loads our own few files and no package, and neither making a publisher nor its first flush loads more", async () => {
  const printed = await runScript(counting);
  const [imported, made, flushed] = printed.split("\n").map((line) => JSON.parse(line) as Loaded);
  // A bound on both: whoever exceeds it should know why, and say so here.
  assert.ok(imported!.modules <= 50, `${imported!.modules} modules`);
  assert.ok(imported!.bytes <= 200_000, `${imported!.bytes} bytes`);
  assert.deepEqual(foreignIn(imported!), []);
  assert.deepEqual(made, imported);
  assert.deepEqual(flushed, imported);
});

test("import - of everything that Google, ajv and uuid are, the thread of the agent loads nothing with a spool either", async () => {
  const printed = await runScript(
    counting
      .replace("...agent, transport", `...agent, transport, spool: { directory: process.env.SPOOL }`)
      .replace(
        "await log.close();",
        `await log.close(); (await import("node:fs")).rmSync(process.env.SPOOL, { recursive: true });`,
      ),
    { SPOOL: `${process.cwd()}/node_modules/.spool-${process.pid}` },
  );
  for (const line of printed.split("\n")) assert.deepEqual(foreignIn(JSON.parse(line) as Loaded), []);
});
