/** What the program would make, found out by running it against mocks of Pulumi: nothing is asked of the cloud, and no credentials are needed. */
import { setImmediate as turn } from "node:timers/promises";
import { output, Resource, runtime, type ResourceOptions } from "@pulumi/pulumi";
import { deploy, type Deployed } from "./deployment.ts";
import { answerTo, madeUp } from "./mock-cloud.ts";
import { namesOf } from "./names.ts";
import { settingsOf, type StackConfig } from "./settings.ts";
import type { Bundles, Stack } from "./stack.ts";

export interface Node {
  /** As `gcp:pubsub/topic:Topic`. */
  readonly type: string;
  /** The name in the program; with the type, unique. */
  readonly name: string;
  /** As they are given to the provider. */
  readonly inputs: { readonly [input: string]: unknown };
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
  /** Whether it stays in the cloud when it is no longer part of the program. */
  readonly retained: boolean;
  /** What it is made after for another reason than that it names it: `type name` of each. */
  readonly after: readonly string[];
  /** How many were made when it was asked for: what waits for others comes after them. */
  readonly order: number;
}

export interface Graph {
  /** By type, then by name. */
  readonly nodes: readonly Node[];
  /** What the program gives out. */
  readonly outputs: { readonly [name: string]: unknown };
}

const SERVICE = "gcp:projects/service:Service";

/** What the graph does not depend on but for the names of two objects. */
const notBuilt: Bundles = {
  function: { folder: "dist/function", sha256: "0".repeat(64) },
  sealer: { folder: "dist/sealer", sha256: "0".repeat(64) },
};

/**
 * The graph of a stack. One at a time: Pulumi's runtime is one for the process.
 *
 * @param program default: everything
 * @param bundles default: some that are not there
 * @throws ERR_CONFIG, and whatever an output failed with
 */
export async function graphOf(
  config: StackConfig,
  program: (stack: Stack) => Deployed = deploy,
  bundles: Bundles = notBuilt,
): Promise<Graph> {
  const settings = settingsOf(config);
  const names = namesOf(settings);
  const nodes: Pick<Node, "type" | "name" | "inputs" | "order">[] = [];
  const options = new Map<string, Pick<Node, "protect" | "retained" | "after">>();
  const keys = new Map<Resource, string>();
  let made = 0;
  await runtime.setMocks(
    {
      async newResource({ type, name, inputs }) {
        const given: { readonly [input: string]: unknown } = inputs;
        if (nodes.some((node) => node.type === type && node.name === name))
          throw new Error(`two resources are ${type} ${name}, which Pulumi refuses`);
        if (type !== "pulumi:pulumi:Stack") nodes.push({ type, name, inputs: given, order: made });
        // To turn a service on takes long: whatever does not wait for it is asked for meanwhile.
        if (type === SERVICE) for (let turns = 0; turns < 50; turns += 1) await turn();
        if (type !== "pulumi:pulumi:Stack") made += 1;
        return madeUp(type, name, given, settings.projectId);
      },
      call: ({ token, inputs }) => ({ ...inputs, ...answerTo(token, inputs) }),
    },
    "indelible",
    settings.environment ?? "default",
    true,
  );
  let deployed: Deployed = {};
  let refusal: { readonly error: unknown } | undefined;
  const outputs = await orFirstFailure(async () => {
    await runtime.runInPulumiStack(() => {
      runtime.registerStackTransformation(({ resource, type, name, opts }) => {
        const key = `${type} ${name}`;
        keys.set(resource, key);
        options.set(key, {
          protect: opts.protect === true,
          retained: opts.retainOnDelete === true,
          after: dependenciesOf(opts).map((before) => keys.get(before) ?? "unknown"),
        });
        return undefined;
      });
      // What is thrown in here, Pulumi would report for itself, and to nobody who could catch it.
      try {
        deployed = program({ settings, names, bundles });
      } catch (error) {
        refusal = { error };
      }
      return Promise.resolve();
    });
    const outputs = await new Promise<Graph["outputs"]>((resolve) => {
      output(deployed).apply(resolve);
    });
    await runtime.disconnect();
    return outputs;
  });
  if (refusal !== undefined) throw refusal.error;
  return {
    nodes: nodes
      .map((node) => ({ ...node, ...(options.get(`${node.type} ${node.name}`) ?? noOptions) }))
      .toSorted((a, b) => compare(a.type, b.type) || compare(a.name, b.name)),
    outputs,
  };
}

/** An output that fails rejects promises that nobody holds. So only the process hears of it, which is where Pulumi's own command listens, too. */
async function orFirstFailure<Result>(run: () => Promise<Result>): Promise<Result> {
  const failure = Promise.withResolvers<never>();
  process.on("unhandledRejection", failure.reject);
  try {
    return await Promise.race([run(), failure.promise]);
  } finally {
    // The others that it rejects.
    await turn();
    process.off("unhandledRejection", failure.reject);
  }
}

const noOptions: Pick<Node, "protect" | "retained" | "after"> = { protect: false, retained: false, after: [] };

/** Those that are given as resources, which all of ours are. */
function dependenciesOf({ dependsOn }: ResourceOptions): readonly Resource[] {
  return (Array.isArray(dependsOn) ? dependsOn : [dependsOn]).filter((resource) => Resource.isInstance(resource));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
