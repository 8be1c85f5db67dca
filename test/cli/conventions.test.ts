import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { exitCodes } from "../../cli/program.ts";
import { commands, FreshFolder, leaves, plausible, refusal, type Ended } from "./conventions.ts";

const main = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const fresh = new FreshFolder();
after(() => fresh[Symbol.dispose]());

/** Commands that print no data, or nothing but a file's text that is for another program. */
const withoutJson: { readonly [path: string]: string } = {
  prove: "what it prints is JSON: the proof",
  completion: "prints a script",
};
const withoutData: { readonly [path: string]: string } = { completion: "knows the commands, and asks nobody" };
/** Commands that do their work without any service; that of `doctor` is to say that there is none. */
const asksNobody = new Set(["dev", "doctor", "audit-sql", "verify-proof", "completion"]);

/** What changes something, and why it asks nobody whether it should. */
const changing: { readonly [path: string]: "asks" | string } = {
  "dlq replay": "asks",
  "dlq discard": "asks",
  "dlq safety-net": "asks",
  summarize: "writes below the folder that --out names, and only its own block; --dry-run shows it",
  dev: "starts services and sends a sample; everything stays in its data folder",
  emit: "appends what it is given, which is what it is for; a pipe cannot be asked",
  import: "appends what it is given; importing it again adds nothing",
  seal: "adds what the schedule would add a minute later",
  prove: "writes the one file that --out names",
};

/** What changes nothing. Each command is here or there. */
const looking = new Set([
  "doctor",
  "query",
  "cost",
  "tail",
  "show",
  "timeline",
  "access",
  "gaps",
  "retention",
  "verify",
  "verify-proof",
  "audit-sql",
  "completion",
  "dlq list",
  "dlq show",
  "dlq jobs",
]);

/** What such a value means is whatever somebody has called something: nothing can be refused. */
const free = /^(?:file|folder|id|account|position|server|provider|model|prefix|patch|text|code)(?:\.\.\.)?$/;
/** The same, of options whose placeholder is that of others that are refused. */
const freeOptions = new Set(
  ["replay", "discard", "list"]
    .map((name) => `dlq ${name} --table`)
    .concat(
      ["replay", "discard"].map((name) => `dlq ${name} --reviewer`),
      ["dev", "import"].map((name) => `${name} --server-name`),
      "emit --source",
    ),
);

const escape = "\u001b";
function assertPlain({ out, errors }: Ended): void {
  assert.ok(!out.includes(escape) && !errors.includes(escape), "there is an escape sequence");
}

describe("every command", { concurrency: 2 }, () => {
  for (const { path, command, isLeaf } of commands) {
    const name = `indelible ${path}`.trim();

    it(`${name} has help that says what it is, has an example, and fits 80 columns`, async () => {
      if (path !== "") assert.match(command.summary(), /\S/);
      assert.match(command.description(), /^[A-Z].*\.$/s);
      const help = await fresh.run([...path.split(" ").filter(Boolean), "--help"]);
      assert.equal(help.exitCode, 0);
      assertPlain(help);
      assert.match(help.out, new RegExp(`^Examples?:\\n(?:.*\\n)*?.*\\bindelible ${path}`, "m"));
      for (const line of help.out.split("\n")) assert.ok(line.length <= 80, `${line.length} columns: ${line}`);
      if (isLeaf) assert.match(help.out, /^Exit codes: 0 [^]*\b2\s+wrong\s+usage/m);
    });

    it(`${name} refuses an option that it does not have`, async () => {
      const { errors } = await refusal([
        ...(isLeaf ? plausible({ path, command, isLeaf }) : path.split(" ").filter(Boolean)),
        "--no-such-option",
      ]);
      assert.match(errors, /unknown option '--no-such-option'[^]*--help/);
      assert.ok(!errors.includes(escape));
    });
  }

  for (const { path, command } of leaves) {
    it(`indelible ${path} prints JSON when it is asked to, and takes the data folder`, () => {
      const longs = new Set(command.options.map(({ long }) => long));
      assert.equal(longs.has("--json"), !(path in withoutJson), withoutJson[path]);
      assert.equal(longs.has("--data"), !(path in withoutData), withoutData[path]);
    });

    it(`indelible ${path} asks before it changes anything, or has a reason not to`, () => {
      const longs = new Set(command.options.map(({ long }) => long));
      const asks = longs.has("--yes");
      assert.ok(longs.has("--dry-run") || !asks, "whoever can be asked can be shown what would be done");
      assert.notEqual(path in changing, looking.has(path), "does it change something, or does it look?");
      assert.equal(asks, changing[path] === "asks");
    });

    for (const option of command.options) {
      const [, placeholder] = /<([^>]+)>/.exec(option.flags) ?? [];
      if (placeholder === undefined || option.long === undefined) continue;
      if (free.test(placeholder) || freeOptions.has(`${path} ${option.long}`)) continue;
      it(`indelible ${path} refuses a wrong ${option.long}, and says what is right`, async () => {
        const { errors } = await refusal([...path.split(" "), option.long ?? "", "~ nonsense"]);
        assert.match(errors, /argument '~ nonsense' is invalid\. \S/);
        assert.ok(!errors.includes(escape));
      });
    }

    if (command.registeredArguments.some(({ required }) => required)) {
      it(`indelible ${path} refuses to do without its argument`, async () => {
        assert.match((await refusal(path.split(" "))).errors, /missing required argument/);
      });
    }
  }

  it("ends with 2 when it is refused for how it was used", async () => {
    for (const args of [["--nonsense"], ["nonsense"], ["gaps", "--since", "soon"], ["dlq", "show"]]) {
      const ended = await fresh.run(args);
      assert.equal(ended.exitCode, 2, args.join(" "));
      assert.equal(ended.out, "");
      assertPlain(ended);
    }
  });
});

describe("with no service running", { concurrency: 2 }, () => {
  for (const walked of leaves) {
    const { path } = walked;
    if (asksNobody.has(path)) continue;
    it(`indelible ${path} ends with 1 and names the command to run`, async () => {
      const projects: { readonly [name: string]: string }[] = [{}, { GOOGLE_CLOUD_PROJECT: "acme" }];
      // For a publisher a project is enough: what it cannot send yet, it may send later.
      for (const env of path === "emit" ? projects.slice(0, 1) : projects) {
        const ended = await fresh.run(plausible(walked), env);
        assert.equal(ended.exitCode, 1, ended.errors);
        assert.match(ended.errors, /`indelible dev`/);
        assert.doesNotMatch(ended.errors, /MetadataLookupWarning|\n {4}at /);
        assert.equal(ended.out, "");
        assertPlain(ended);
      }
    });
  }

  it("indelible doctor says so, and ends with 1", async () => {
    const ended = await fresh.run(["doctor"]);
    assert.equal(ended.exitCode, 1);
    assert.match(ended.out, /indelible dev/);
    assertPlain(ended);
  });

  it("indelible audit-sql prints its queries as JSON when it is asked to", async () => {
    const all = await fresh.run(["audit-sql", "--json", "--project", "acme"]);
    const queries = JSON.parse(all.out) as { name: string; query: string }[];
    const [first] = queries;
    const one = await fresh.run(["audit-sql", first?.name ?? "", "--json", "--project", "acme"]);
    assert.deepEqual(JSON.parse(one.out), first);
  });

  it("indelible audit-sql asks the dataset that is named, and refuses one that is no dataset's name", async () => {
    const args = ["audit-sql", "seals_hashes", "--project", "acme"];
    const staging = await fresh.run(args, { INDELIBLE_DATASET: "staging_raw" });
    assert.match(staging.out, /^FROM `acme\.staging_raw\.seals`$/m);
    const wrong = await fresh.run(args, { INDELIBLE_DATASET: "staging-raw" });
    assert.equal(wrong.exitCode, 1);
    assert.match(wrong.errors, /ERR_CONFIG: INDELIBLE_DATASET is "staging-raw"/);
    assert.equal(wrong.out, "");
    assertPlain(wrong);
  });
});

const script = ["/usr/bin/script", "/bin/script"].find((path) => existsSync(path));

describe(
  "on a terminal",
  { skip: script === undefined || process.platform !== "linux" ? "there is no script(1)" : false },
  () => {
    const onTerminal = (command: string, env: { readonly [name: string]: string }): string =>
      spawnSync(script ?? "", ["-qec", `stty cols 80; ${process.execPath} ${main} ${command}`, "/dev/null"], {
        cwd: fresh.path,
        env: { PATH: process.env["PATH"], HOME: fresh.path, TERM: "xterm-256color", ...env },
        encoding: "utf8",
      }).stdout;

    for (const command of ["doctor", "gaps", "--help", "dlq list --nonsense"]) {
      it(`indelible ${command} has no colours with NO_COLOR`, () => {
        assert.ok(!onTerminal(command, { NO_COLOR: "1" }).includes(escape));
      });
    }

    it("there are colours without NO_COLOR, so that the tests above can fail", () => {
      assert.ok(onTerminal("gaps", {}).includes(escape));
    });
  },
);

describe("exit codes", () => {
  it("are all in the help of indelible, and in its reference", async () => {
    const { out } = await fresh.run(["--help"]);
    const reference = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
    for (const [code, meaning] of exitCodes) {
      assert.match(out, new RegExp(`\\b${code} ${meaning}\\b`));
      assert.match(reference, new RegExp(`^\\| ${code} \\| ${meaning}`, "m"));
    }
  });
});
