/** What the program would make, found out by running it against mocks of Pulumi: nothing is asked of the cloud, and no credentials are needed. */
import { output, runtime } from "@pulumi/pulumi";
import { deploy, type Deployed } from "./deployment.ts";
import { answerTo, madeUp } from "./mock-cloud.ts";
import { namesOf } from "./names.ts";
import { settingsOf, type StackConfig } from "./settings.ts";

export interface Node {
  /** As `gcp:pubsub/topic:Topic`. */
  readonly type: string;
  /** The name in the program; with the type, unique. */
  readonly name: string;
  /** As they are given to the provider. */
  readonly inputs: { readonly [input: string]: unknown };
  /** Whether Pulumi refuses to delete it. */
  readonly protect: boolean;
}

export interface Graph {
  /** By type, then by name. */
  readonly nodes: readonly Node[];
  /** What the program gives out. */
  readonly outputs: { readonly [name: string]: unknown };
}

/**
 * The graph of a stack. One at a time: Pulumi's runtime is one for the process.
 *
 * @throws ERR_CONFIG
 */
export async function graphOf(config: StackConfig): Promise<Graph> {
  const settings = settingsOf(config);
  const names = namesOf(settings);
  const nodes: Node[] = [];
  const protectedNames = new Set<string>();
  await runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        const given: { readonly [input: string]: unknown } = inputs;
        if (type !== "pulumi:pulumi:Stack") nodes.push({ type, name, inputs: given, protect: false });
        return madeUp(type, name, given, settings.projectId);
      },
      call: ({ token, inputs }) => ({ ...inputs, ...answerTo(token) }),
    },
    "indelible",
    settings.environment ?? "default",
    true,
  );
  let deployed: Deployed = {};
  await runtime.runInPulumiStack(() => {
    runtime.registerStackTransformation(({ type, name, opts }) => {
      if (opts.protect === true) protectedNames.add(`${type} ${name}`);
      return undefined;
    });
    deployed = deploy({ settings, names, bundles: { function: "dist/function", sealer: "dist/sealer" } });
    return Promise.resolve();
  });
  const outputs = await new Promise<{ readonly [name: string]: unknown }>((resolve) => {
    output(deployed).apply(resolve);
  });
  await runtime.disconnect();
  return {
    nodes: nodes
      .map((node) => ({ ...node, protect: protectedNames.has(`${node.type} ${node.name}`) }))
      .toSorted((a, b) => compare(a.type, b.type) || compare(a.name, b.name)),
    outputs,
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
