/**
 * Prints what `pulumi up` would make, without credentials and without Pulumi's command:
 *
 *     npm run infra:plan -- [--stack example] [--json] [--full]
 *
 * Reads `infra/Pulumi.<stack>.yaml`. Exit codes: 0 printed, 1 the stack cannot be made, 2 wrong usage.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { planText } from "./plan-text.ts";
import { readStackFile } from "./stack-file.ts";

const help = `Prints what \`pulumi up\` would make, without credentials.

Usage: npm run infra:plan -- [options]

Options:
  --stack <name>  reads infra/Pulumi.<name>.yaml (default: example)
  --full          also each setting of each resource
  --json          print JSON: all resources with all settings
  --help

Example:
  $ npm run infra:plan -- --stack production | less

Exit codes: 0 printed, 1 the stack cannot be made, 2 wrong usage
`;

interface Usage {
  readonly stack: string;
  readonly full: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

function usageOf(args: readonly string[]): Usage | string {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        stack: { type: "string", default: "example" },
        full: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    return /^[\w.-]+$/.test(values.stack) ? values : `--stack ${values.stack} is not the name of a stack`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function main(): Promise<number> {
  const usage = usageOf(process.argv.slice(2));
  if (typeof usage === "string") {
    process.stderr.write(`${usage}\nRun npm run infra:plan -- --help to see what is possible.\n`);
    return 2;
  }
  if (usage.help) {
    process.stdout.write(help);
    return 0;
  }
  try {
    const config = readStackFile(fileURLToPath(new URL(`Pulumi.${usage.stack}.yaml`, import.meta.url)));
    // Pulumi's runtime takes half a second to load, which help does without.
    const { graphOf } = await import("./graph.ts");
    const graph = await graphOf(config);
    const text = usage.json ? `${JSON.stringify(graph, undefined, 2)}\n` : planText(usage.stack, graph, usage.full);
    process.stdout.write(text);
    return 0;
  } catch (error) {
    if (!IndelibleError.is(error)) throw error;
    process.stderr.write(`${error.code}: ${error.message}\n${error.hint}\n`);
    return 1;
  }
}

// Whoever reads the plan may stop reading, as `head` does; that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

process.exitCode = await main();
