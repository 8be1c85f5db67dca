import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Argument, Command, InvalidArgumentError } from "commander";
import { completionScript, type Shell } from "../../cli/completion/script.ts";
import { createProgram } from "../../cli/program.ts";

const folder = mkdtempSync(join(tmpdir(), "indelible-completion-"));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "data"));
writeFileSync(join(folder, "day.ndjson"), "");

/** What each shell offers behind the words, the last one being completed: how it is asked depends on the shell. */
const ask: { readonly [S in Shell]: (script: string, words: readonly string[]) => string } = {
  bash: (script, words) => `${script}
COMP_WORDS=(${words.map(quoted).join(" ")}); COMP_CWORD=${words.length - 1}
compopt() { [[ $2 == dirnames ]] && compgen -d -- "$word" || compgen -f -- "$word"; }
_indelible; printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: (script, words) => `
compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { print -l -- *(/); [[ $1 == -/ ]] || print -l -- *(.); }
_describe() { print -l -- "\${(@P)2%%:*}"; }
${script}
words=(${words.map(quoted).join(" ")}); CURRENT=${words.length}; _indelible`,
  fish: (script, words) => `${script}
complete -C ${quoted(words.join(" "))} | string split -f1 \\t`,
};

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

function offered(shell: Shell, program: Command, words: readonly string[]): string[] {
  const script = ask[shell](completionScript(program, shell), words);
  const options = shell === "fish" ? ["--no-config"] : shell === "zsh" ? ["-f"] : ["--norc"];
  const ran = spawnSync(shell, [...options, "-c", script], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, HOME: folder },
  });
  assert.equal(ran.stderr, "");
  // Of zsh and fish the shell itself leaves out what does not fit.
  const begun = words.at(-1) ?? "";
  return ran.stdout.split("\n").filter((word) => word !== "" && word.startsWith(begun));
}

for (const shell of ["bash", "zsh", "fish"] as const) {
  const isThere = spawnSync(shell, ["-c", "true"]).status === 0;

  describe(`completion in ${shell}`, { skip: isThere ? false : `there is no ${shell} on this machine` }, () => {
    const program = createProgram();
    const of = (...words: string[]): string[] => offered(shell, program, ["indelible", ...words]);

    it("knows every command, and those below it", () => {
      const commands = program.commands.map((command) => command.name());
      assert.deepEqual(
        of("")
          .filter((word) => !word.startsWith("-"))
          .toSorted(),
        commands.toSorted(),
      );
      assert.deepEqual(of("ver").toSorted(), ["verify", "verify-proof"]);
      const below = of("dlq", "").filter((word) => !word.startsWith("-"));
      assert.deepEqual(below.toSorted(), ["discard", "jobs", "list", "replay", "safety-net", "show"]);
    });

    it("knows the options of the command at hand, wherever others stand", () => {
      assert.deepEqual(of("dlq", "replay", "--dr"), ["--dry-run"]);
      assert.deepEqual(of("dlq", "replay", "--note", "verify", "--e"), ["--edit"]);
      assert.deepEqual(of("gaps", "--dr"), []);
      assert.ok(of("gaps", "--").includes("--settled"));
    });

    it("knows the values of an option that takes one of a few", () => {
      assert.deepEqual(of("dlq", "list", "--state", "re").toSorted(), ["replayed", "replaying"]);
      assert.ok(of("verify", "--table", "").includes("dead_letter_reviews"));
      assert.deepEqual(
        of("completion", "")
          .filter((word) => !word.startsWith("-"))
          .toSorted(),
        ["bash", "fish", "zsh"],
      );
    });

    it("knows files and folders where they are meant", () => {
      assert.deepEqual(
        of("import", "da")
          .map((word) => word.replace(/\/$/, ""))
          .toSorted(),
        ["data", "day.ndjson"],
      );
      assert.deepEqual(
        of("gaps", "--data", "da").map((word) => word.replace(/\/$/, "")),
        ["data"],
      );
      assert.deepEqual(of("dlq", "list", "--pattern", "da"), []);
    });

    it("takes a description for what it is", () => {
      const odd = new Command("indelible").exitOverride();
      const sub = odd.command("go").summary('it\'s `odd`: $HOME "and" \\ more').description("X.");
      sub.option("--mode <mode>", "one of 'a' [b]: $(touch planted)", (text: string): string => {
        if (text === "x" || text === "y") return text;
        throw new InvalidArgumentError("One of: x, y.");
      });
      sub.addArgument(new Argument("<what>", "that").choices(["left", "right"]));
      assert.deepEqual(offered(shell, odd, ["indelible", "g"]), ["go"]);
      assert.deepEqual(offered(shell, odd, ["indelible", "go", "--mode", ""]), ["x", "y"]);
      assert.deepEqual(offered(shell, odd, ["indelible", "go", "--m"]), ["--mode"]);
      assert.deepEqual(offered(shell, odd, ["indelible", "go", "l"]), ["left"]);
      assert.deepEqual(offered(shell, odd, ["indelible", "go", "planted"]), []);
    });
  });
}
