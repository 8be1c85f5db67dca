import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultDatasets } from "@indelible/schemas/names.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { type Finding } from "../../cli/doctor/check.ts";
import { mayAppend, mayForward, mayPublish } from "../../cli/doctor/permissions.ts";
import {
  findingsOfSubscriptions,
  findingsOfTopics,
  type FoundSubscription,
  type Looked,
  type LookedTopic,
  type Place,
} from "../../cli/doctor/topics.ts";
import { settingsOf } from "../../cli/subscription-settings.ts";

describe("topics and subscriptions", () => {
  const place = { project: "p", local: false, restart: "start again", data: ".indelible" };
  const wellKept = { messageRetentionDuration: { seconds: String(31 * 86_400) } };

  /** Everything as declared, but for what `change` does to the conversations and `kept` to the safety net. */
  function world(
    change: (subscription: FoundSubscription) => Looked<FoundSubscription> = (found) => ({ found }),
  ): LookedTopic[] {
    return declaredTopics().map((declared) => {
      const { delivery, id } = declared;
      const found: FoundSubscription = {
        topic: `projects/p/topics/${id}`,
        pushConfig: { pushEndpoint: `https://f.example/${delivery.path}` },
        expirationPolicy: {},
        ...settingsOf(delivery, "p"),
      };
      const push = id.endsWith(".conversations") ? change(found) : { found };
      return {
        declared,
        topic: { found: wellKept },
        subscriptions: new Map<string, Looked<FoundSubscription>>([
          [delivery.pushSubscription, push],
          [delivery.pullSubscription, { found: undefined }],
          ...declared.kept.map((kept): [string, Looked<FoundSubscription>] => [
            kept.id,
            { found: { topic: `projects/p/topics/${id}`, ...wellKept } },
          ]),
        ]),
      };
    });
  }
  const findingsWith = (change: Parameters<typeof world>[0]): readonly Finding[] =>
    findingsOfSubscriptions(world(change), place);

  it("are well as they are declared", () => {
    assert.deepEqual(
      [...findingsOfTopics(world(), place), ...findingsOfSubscriptions(world(), place)].map(({ status }) => status),
      ["ok", "ok"],
    );
  });

  it("name a topic that nobody reads, with the command that subscribes the function where it is", () => {
    const [finding] = findingsWith(() => ({ found: undefined }));
    assert.equal(finding?.status, "problem");
    assert.match(
      finding?.fix ?? "",
      /^gcloud pubsub subscriptions create agent-logs\.conversations\.function --project=p --topic=agent-logs\.conversations --push-endpoint=https:\/\/f\.example\/conversations .*--expiration-period=never --ack-deadline=60 .*--dead-letter-topic=agent-logs\.dead-letter --max-delivery-attempts=100$/,
    );
  });

  it("are content with a worker's subscription instead of the function's", () => {
    const topics = world().map((topic) => {
      const { pushSubscription, pullSubscription } = topic.declared.delivery;
      const push = topic.subscriptions.get(pushSubscription) ?? { found: undefined };
      const subscriptions = new Map(topic.subscriptions).set(pushSubscription, { found: undefined });
      return { ...topic, subscriptions: subscriptions.set(pullSubscription, push) };
    });
    assert.deepEqual(
      findingsOfSubscriptions(topics, place).map(({ status }) => status),
      ["ok"],
    );
  });

  const changes: readonly (readonly [what: string, change: object, status: string, fix: RegExp])[] = [
    ["no last resort", { deadLetterPolicy: null }, "problem", /--max-delivery-attempts=100/],
    [
      "another dead-letter topic",
      { deadLetterPolicy: { deadLetterTopic: "projects/p/topics/x", maxDeliveryAttempts: 100 } },
      "problem",
      /--dead-letter-topic=agent-logs\.dead-letter/,
    ],
    ["a short deadline", { ackDeadlineSeconds: 10 }, "warning", /update .*--ack-deadline=60/],
    ["a date of death", { expirationPolicy: { ttl: { seconds: "2678400" } } }, "warning", /--expiration-period=never/],
    [
      "a topic that is gone",
      { topic: "_deleted-topic_" },
      "problem",
      /subscriptions delete .*\n.*subscriptions create/,
    ],
    ["no topic any more", { detached: true }, "problem", /subscriptions delete/],
    [
      "another endpoint",
      { pushConfig: { pushEndpoint: "https://f.example/x" } },
      "problem",
      /update .*--push-endpoint=FUNCTION_URL\/conversations --push-auth-service-account=INVOKER_ACCOUNT$/,
    ],
  ];
  for (const [what, change, status, fix] of changes) {
    it(`name a subscription with ${what}`, () => {
      const findings = findingsWith((found) => ({ found: { ...found, ...change } }));
      assert.equal(findings.length, 1);
      assert.equal(findings[0]?.status, status);
      assert.match(findings[0]?.fix ?? "", fix);
    });
  }

  /** Findings when the subscriptions that end so are changed. */
  function withChanged(suffix: string, change: object, where: Place = place): readonly Finding[] {
    const topics = world().map((topic) => {
      const changed = [...topic.subscriptions].map(([id, looked]): [string, Looked<FoundSubscription>] => {
        const of = { topic: `projects/p/topics/${topic.declared.id}`, ...settingsOf(topic.declared.delivery, "p") };
        const before = "found" in looked ? (looked.found ?? of) : of;
        return [id, id.endsWith(suffix) ? { found: { ...before, ...change } } : looked];
      });
      return { ...topic, subscriptions: new Map(changed) };
    });
    return findingsOfSubscriptions(topics, where);
  }

  for (const [what, change] of [
    ["of a topic that was deleted", { topic: "_deleted-topic_" }],
    ["detached", { detached: true }],
  ] as const) {
    it(`have what only the safety net has published again before it is deleted, when it is ${what}`, () => {
      for (const local of [false, true]) {
        const where = { ...place, local, data: "d" };
        const [{ status, fix = "" } = { status: "ok" }, ...others] = withChanged(".safety-net", change, where);
        assert.deepEqual(others, []);
        assert.equal(status, "problem");
        const steps = fix.split("\n");
        const restored = steps.indexOf("indelible dlq safety-net --restore --data d");
        const deleted = steps.findIndex((step) => /DELETE|delete /.test(step));
        assert.ok(restored !== -1 && restored < deleted, fix);
        assert.doesNotMatch(fix, /push|has delivered/);
        assert.match(
          steps.at(-1) ?? "",
          local
            ? /^start again$/
            : /create agent-logs\.dead-letter\.safety-net .*--message-retention-duration=2678400s/,
        );
      }
    });
  }

  it("name a safety net that keeps less, or gives away what it has, and nothing else about it", () => {
    for (const change of [{ messageRetentionDuration: { seconds: "604800" } }, { messageRetentionDuration: null }]) {
      const [finding, ...others] = withChanged(".safety-net", change);
      assert.deepEqual(others, []);
      assert.match(finding?.finding ?? "", /keeps dead letters for 7 days instead of 31 days/);
      assert.match(
        finding?.fix ?? "",
        /update agent-logs\.dead-letter\.safety-net --project=p --message-retention-duration=2678400s$/,
      );
    }
    const change = { pushConfig: { pushEndpoint: "https://f.example/x" } };
    const [finding, ...others] = withChanged(".safety-net", change);
    assert.deepEqual(others, []);
    assert.equal(finding?.status, "problem");
    assert.match(finding.fix ?? "", /modify-push-config agent-logs\.dead-letter\.safety-net .*--push-endpoint=$/);
    const [here] = withChanged(".safety-net", change, { ...place, local: true });
    assert.match(here?.fix ?? "", /^curl .*'\{"pushConfig": \{\}\}' .*safety-net:modifyPushConfig$/);
    const [short] = withChanged(".safety-net", { messageRetentionDuration: null }, { ...place, local: true });
    assert.match(short?.fix ?? "", /safety-net --restore\n[^]*DELETE/);
  });

  it("clear a last resort where none is declared", () => {
    const deadLetterPolicy = { deadLetterTopic: "projects/p/topics/x", maxDeliveryAttempts: 5 };
    const [finding] = withChanged("dead-letter.function", { deadLetterPolicy });
    assert.match(finding?.fix ?? "", /update agent-logs\.dead-letter\.function .*--clear-dead-letter-policy$/);
    const [other] = withChanged("conversations.function", { deadLetterPolicy });
    assert.doesNotMatch(other?.fix ?? "", /clear/);
  });

  it("create a worker's subscription without an endpoint, and the function's where the function is", () => {
    const [worker = assert.fail()] = withChanged("conversations.worker", { topic: "_deleted-topic_" });
    assert.match(worker.fix ?? "", /\n.*create agent-logs\.conversations\.worker .*--ack-deadline=60/);
    assert.doesNotMatch(worker.fix ?? "", /push/);
    const [push = assert.fail()] = withChanged("conversations.function", { topic: "_deleted-topic_" });
    assert.match(push.fix ?? "", /--push-endpoint=https:\/\/f\.example\/conversations /);
  });

  it("say what could not be found out of one, and go on with the others", () => {
    const findings = findingsWith(() => ({ failure: new Error("7 PERMISSION_DENIED") }));
    assert.deepEqual(findings, [
      {
        status: "unknown",
        subject: "agent-logs.conversations.function",
        finding: "subscription agent-logs.conversations.function: 7 PERMISSION_DENIED",
      },
    ]);
  });

  it("name a safety net that is not there, and a topic that is not there or forgets", () => {
    const topics = world().map((topic) => ({
      ...topic,
      subscriptions: new Map([...topic.subscriptions].filter(([id]) => !id.endsWith(".safety-net"))),
    }));
    assert.match(findingsOfSubscriptions(topics, place)[0]?.finding ?? "", /safety-net is not there/);
    const [first, ...others] = world();
    assert.ok(first !== undefined);
    const gone = [{ ...first, topic: { found: undefined } }, ...others];
    assert.match(findingsOfTopics(gone, place)[0]?.fix ?? "", /^gcloud pubsub topics create agent-logs\.dead-letter /);
    const forgetful = [{ ...first, topic: { found: {} } }, ...others];
    assert.match(findingsOfTopics(forgetful, place)[0]?.finding ?? "", /keeps messages for no time instead of 31 days/);
  });
});

describe("permissions", () => {
  const asked = (
    may: boolean,
    members: readonly string[],
    local = false,
    subscribers = members,
  ): Parameters<typeof mayPublish>[0] => ({
    project: "p",
    local,
    topicPrefix: "agent-logs",
    pubsub: {
      topic: () => ({
        iam: {
          testPermissions: ([name = ""]) => Promise.resolve([{ [name]: may }]),
          getPolicy: () => Promise.resolve([{ bindings: [{ role: "roles/pubsub.publisher", members }] }]),
        },
      }),
      subscription: (id) => ({
        iam: {
          getPolicy: () =>
            id.endsWith(".worker")
              ? Promise.reject(Object.assign(new Error("5 NOT_FOUND"), { code: 5 }))
              : Promise.resolve([{ bindings: [{ role: "roles/pubsub.subscriber", members: subscribers }] }]),
        },
      }),
    },
  });
  const agent = "serviceAccount:service-42@gcp-sa-pubsub.iam.gserviceaccount.com";

  it("are asked of every topic in the cloud, and the missing ones named with what grants them", async () => {
    assert.deepEqual(
      (await mayPublish(asked(true, []))).map(({ status }) => status),
      ["ok"],
    );
    const [first, ...others] = await mayPublish(asked(false, []));
    assert.equal(others.length, 7);
    assert.match(
      first?.fix ?? "",
      /add-iam-policy-binding agent-logs\.conversations .*--role=roles\/pubsub\.publisher$/,
    );
    assert.equal((await mayPublish(asked(false, [], true)))[0]?.status, "skipped");
  });

  it("of Pub/Sub's own agent are what the last resort depends on", async () => {
    assert.equal((await mayForward(asked(true, [agent])))[0]?.status, "ok");
    const [finding] = await mayForward(asked(true, ["user:somebody@acme.example"], false, [agent]));
    assert.equal(finding?.status, "warning");
    assert.match(finding?.fix ?? "", /gcp-sa-pubsub/);
  });

  it("of Pub/Sub's own agent are asked of every subscription that forwards and is there", async () => {
    const [finding, ...others] = await mayForward(asked(true, [agent], false, []));
    assert.deepEqual(others, []);
    assert.equal(finding?.status, "warning");
    const commands = (finding.fix ?? "").split("\n");
    const forwarding = declaredTopics().filter(({ delivery }) => delivery.lastResort !== undefined);
    assert.equal(commands.length, forwarding.length);
    for (const [at, { delivery }] of forwarding.entries()) {
      assert.ok(commands[at]?.includes(`subscriptions add-iam-policy-binding ${delivery.pushSubscription} `));
      assert.match(commands[at] ?? "", /gcp-sa-pubsub.* --role=roles\/pubsub\.subscriber$/);
    }
    const refused = asked(true, [agent]);
    const failing = { iam: { getPolicy: () => Promise.reject(new Error("7 PERMISSION_DENIED")) } };
    const unknown = await mayForward({ ...refused, pubsub: { ...refused.pubsub, subscription: () => failing } });
    assert.deepEqual(new Set(unknown.map(({ status }) => status)), new Set(["unknown"]));
  });

  it("of the function are said not to be looked at", () => {
    const [finding] = mayAppend({ project: "p", local: false, datasets: defaultDatasets });
    assert.equal(finding?.status, "skipped");
    assert.match(finding.finding, /is not looked at/);
    assert.match(finding.fix ?? "", /bq show --format=prettyjson p:agent_logs_raw$/);
  });
});
