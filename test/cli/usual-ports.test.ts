import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { claimUsualPorts } from "../../cli/dev/usual-ports.ts";

const root = mkdtempSync(join(tmpdir(), "indelible-ports-"));
after(() => rmSync(root, { recursive: true }));

describe("claimUsualPorts()", () => {
  it("gives the usual ports to one stack, and any free ones to others until it has ended", () => {
    {
      using first = claimUsualPorts(root);
      using second = claimUsualPorts(root);
      assert.deepEqual([first.refusal, second.refusal], [undefined, "another `indelible dev` has them"]);
      assert.deepEqual(first.of({ port: 9050, grpcPort: 9060 }), { port: 9050, grpcPort: 9060 });
      assert.deepEqual(second.of({ port: 9050, grpcPort: 9060 }), { port: 0, grpcPort: 0 });
    }
    using third = claimUsualPorts(root);
    assert.equal(third.refusal, undefined);
  });

  it("uses free ports where no claim can be made, and says why", () => {
    const file = join(root, "file");
    writeFileSync(file, "");
    using ports = claimUsualPorts(file);
    assert.deepEqual(ports.of({ port: 8085 }), { port: 0 });
    assert.match(ports.refusal ?? "", /cannot be claimed in .*: (ENOTDIR|EEXIST)/);
  });
});
