import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Faults, faultsOfOption } from "../../local/faults.ts";
import { seededRandom } from "../../local/random.ts";

const points = { publish: ["refuse", "delay"], push: ["cut"] } as const;

function answers(settings: unknown, point: "publish" | "push", count: number): (string | undefined)[] {
  const faults = new Faults(settings, points);
  return Array.from({ length: count }, () => faults.at(point)?.kind);
}

describe("Faults", () => {
  it("gives the same answers for the same seed, whatever is asked at other points, and others for another", () => {
    const settings = { seed: 7, publish: { refuse: 0.2, delay: 0.3 }, push: { cut: 0.5 } };
    const alone = answers(settings, "publish", 200);
    const faults = new Faults(settings, points);
    const mixed = Array.from({ length: 200 }, () => {
      faults.at("push");
      return faults.at("publish")?.kind;
    });
    assert.deepEqual(mixed, alone);
    assert.notDeepEqual(answers({ ...settings, seed: 8 }, "publish", 200), alone);
  });

  it("keeps to the rates", () => {
    const kinds = answers({ publish: { refuse: 0.1, delay: 0.4 } }, "publish", 20_000);
    const share = (kind: string | undefined): number => kinds.filter((each) => each === kind).length / kinds.length;
    assert.ok(Math.abs(share("refuse") - 0.1) < 0.01, String(share("refuse")));
    assert.ok(Math.abs(share("delay") - 0.4) < 0.01, String(share("delay")));
    assert.deepEqual(new Set(answers({ push: { cut: 1 } }, "push", 100)), new Set(["cut"]));
    assert.deepEqual(new Set(answers({ push: { cut: 0 } }, "push", 100)), new Set([undefined]));
  });

  it("follows a script of the questions at which a fault happens", () => {
    const none = undefined;
    const script = { publish: { refuse: { at: [0, 3] }, delay: { at: [1] } } };
    assert.deepEqual(answers(script, "publish", 5), ["refuse", "delay", none, "refuse", none]);
  });

  it("picks below the count and delays up to the bound, both as the seed has it", () => {
    const draw = (): number[][] => {
      const faults = new Faults({ publish: { delay: { rate: 1, maxDelayMs: 5 } } }, points);
      return Array.from({ length: 500 }, () => {
        const fault = faults.at("publish");
        return [fault?.delayMs ?? 0, fault?.pick(3) ?? -1];
      });
    };
    const drawn = draw();
    assert.deepEqual(new Set(drawn.map(([delayMs]) => delayMs)), new Set([1, 2, 3, 4, 5]));
    assert.deepEqual(new Set(drawn.map(([, picked]) => picked)), new Set([0, 1, 2]));
    assert.deepEqual(draw(), drawn);
  });

  it("tells its listener of each fault", () => {
    const told: string[] = [];
    const faults = new Faults({ push: { cut: { at: [1] } } }, points, (point, kind) => told.push(`${point} ${kind}`));
    for (let question = 0; question < 3; question += 1) faults.at("push");
    assert.deepEqual(told, ["push cut"]);
  });

  for (const [settings, message] of [
    [[], /The faults must be an object in JSON/],
    [{ seed: "x" }, /seed must be a whole number/],
    [{ pull: {} }, /no fault point "pull": publish \(refuse, delay\); push \(cut\)/],
    [{ toString: {} }, /no fault point "toString"/],
    [{ push: { drop: 1 } }, /push has no fault "drop": publish/],
    [{ push: { cut: 1.1 } }, /rate of push.cut must be 0 to 1/],
    [{ push: { cut: "often" } }, /push.cut must be an object/],
    [{ push: { cut: { chance: 1 } } }, /push.cut has no setting "chance"/],
    [{ push: { cut: { at: [-1] } } }, /push.cut.at must be a list of whole numbers/],
    [{ publish: { delay: { maxDelayMs: 0 } } }, /publish.delay.maxDelayMs/],
    [{ publish: { refuse: 0.6, delay: 0.6 } }, /rates of publish exceed 1 together/],
  ] as const) {
    it(`refuses ${JSON.stringify(settings)}`, () => {
      assert.throws(() => new Faults(settings, points), message);
    });
  }
});

describe("faultsOfOption()", () => {
  it("has none without the option, and refuses what is not JSON", () => {
    assert.equal(
      faultsOfOption(undefined, points, () => {}),
      undefined,
    );
    assert.throws(() => faultsOfOption("{", points, () => {}), /--faults must be JSON/);
  });
});

describe("seededRandom()", () => {
  it("fills its range evenly, and differs by name", () => {
    const random = seededRandom(1, "a");
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let draw = 0; draw < 100_000; draw += 1) buckets[Math.floor(random() * 10)]! += 1;
    for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, String(buckets));
    assert.notEqual(seededRandom(1, "a")(), seededRandom(1, "b")());
  });
});
