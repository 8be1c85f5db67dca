import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { forbiddenPairs, roleNames, roles, type Grant, type RoleName } from "@indelible/schemas/rights.ts";
import { declaredTopics } from "@indelible/schemas/topics.ts";
import { resourceOf } from "../../infra/custom-roles.ts";
import { namesOf, type Names } from "../../infra/names.ts";
import { settingsOf, type Settings, type StackConfig } from "../../infra/settings.ts";
import { heldIn, texts, type Held } from "./held.ts";
import { nodesOf } from "./nodes.ts";
import { production, staging } from "./stacks.ts";
import { graphOf, type Graph } from "../../infra/graph.ts";

const stacks: readonly (readonly [name: string, config: StackConfig, graph: Graph])[] = [
  ["production", production, await graphOf(production)],
  ["staging, with the worker", staging, await graphOf(staging)],
];

const serviceAgent = "service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com";

for (const [name, config, graph] of stacks) {
  const settings = settingsOf(config);
  const names = namesOf(settings);
  const held = heldIn(graph);
  const builder = `${names.account("builder")}@${settings.projectId}.iam.gserviceaccount.com`;
  const ours = held.filter(
    ({ member, on }) =>
      !/^service-\d+@gcp-sa-/.test(member) && member !== builder && on !== `buckets/${names.bucket("deployment")}`,
  );
  const accountOf = (role: RoleName): string => `${names.account(role)}@${settings.projectId}.iam.gserviceaccount.com`;

  describe(`rights of ${name}`, () => {
    it("are those of the table and no others, each once", () => {
      assert.deepEqual(ours.map(line).toSorted(), expected(settings, names, accountOf).toSorted());
    });

    it("of Pub/Sub's own account are what forwards dead letters and mints the tokens of push", () => {
      const others = held.filter(({ member }) => member === serviceAgent);
      const delivery = settings.worker === undefined ? "pushSubscription" : "pullSubscription";
      assert.deepEqual(
        others.map(({ role, on }) => `${role} on ${on}`).toSorted(),
        [
          `roles/iam.serviceAccountOpenIdTokenCreator on projects/${settings.projectId}/serviceAccounts/${accountOf("pusher")}`,
          `roles/pubsub.publisher on topics/${names.topicPrefix}.dead-letter`,
          ...declaredTopics(names.topicPrefix)
            .filter(({ delivery: { lastResort } }) => lastResort !== undefined)
            .map((topic) => `roles/pubsub.subscriber on subscriptions/${topic.delivery[delivery]}`),
        ].toSorted(),
      );
    });

    it("never come to a forbidden pair, on whatever", () => {
      for (const member of new Set(held.map((right) => right.member))) {
        const may = new Set(held.flatMap((right) => (right.member === member ? right.permissions : [])));
        for (const [one, other] of forbiddenPairs)
          assert.ok(!(may.has(one) && may.has(other)), `${member} may ${one} and ${other}`);
      }
    });

    it("of nobody are to give rights, or to change or delete what there is", () => {
      const found = ours.flatMap(({ member, permissions }) =>
        permissions
          .filter((permission) => /\*|[a-z.](?:setIamPolicy|delete|update)$/i.test(permission))
          .filter((permission) => permission !== "bigquery.readsessions.update")
          .map((permission) => `${member} may ${permission}`),
      );
      assert.deepEqual(found, []);
    });

    it("of an agent are to publish to the topics of its tables", () => {
      for (const { member, tables } of settings.agents)
        assert.deepEqual(
          held
            .filter((right) => `serviceAccount:${right.member}` === member)
            .map(line)
            .toSorted(),
          tables
            .map((table) => `${member.slice(15)}: pubsub.topics.publish on topics/${names.topicPrefix}.${table}`)
            .toSorted(),
        );
    });

    it("of the break-glass group are none: only the deny policy knows it", () => {
      assert.deepEqual(
        held.filter(({ member }) => member === "break-glass@acme.example"),
        [],
      );
    });

    it("that are none of the table's are Google's, the builder's, or to read the list of keys", () => {
      for (const { member, role } of held.filter((right) => !ours.includes(right))) {
        const allowed =
          member === builder ? /^roles\/(?:artifactregistry|logging|storage)\./ : /^roles\/(?:pubsub|iam|storage)\./;
        assert.match(role, allowed, member);
        assert.ok(!/admin|owner|editor/i.test(role), role);
      }
    });

    it("are a custom role for each grant that can be held, with its permissions", () => {
      const made = nodesOf(graph, "gcp:projects/iAMCustomRole:IAMCustomRole").map(({ inputs }) =>
        [inputs["roleId"], ...texts(inputs["permissions"])].join(" "),
      );
      const wanted = roleNames.flatMap((role) =>
        roles[role].holder === "nobody"
          ? []
          : roles[role].grants.map((grant) =>
              [names.customRole(role, resourceOf(grant)), ...grant.permissions].join(" "),
            ),
      );
      assert.deepEqual(made.toSorted(), wanted.toSorted());
      assert.equal(new Set(made.map((text) => text.split(" ")[0])).size, made.length);
    });

    it("are in no role that is given to everybody", () => {
      for (const { member } of held) assert.ok(!/^all(?:Authenticated)?Users$/.test(member), member);
    });
  });
}

describe("people of a stack", () => {
  const refused: readonly (readonly [what: string, key: string, member: string])[] = [
    ["the function's account", "readers", "serviceAccount:indelible-writer@acme-agents.iam.gserviceaccount.com"],
    ["the same in capitals", "ops", "serviceAccount:Indelible-Writer@acme-agents.iam.gserviceaccount.com"],
    [
      "the sealer's account of another environment",
      "auditors",
      "serviceAccount:indelible-sealer-staging@acme-agents.iam.gserviceaccount.com",
    ],
    ["an account of ours as an agent", "agents", "serviceAccount:indelible-sealer@acme-agents.iam.gserviceaccount.com"],
    [
      "an account of ours that the deny policy does not bind",
      "breakGlass",
      "serviceAccount:indelible-writer@acme-agents.iam.gserviceaccount.com",
    ],
    [
      "every account of a project",
      "readers",
      "principalSet://cloudresourcemanager.googleapis.com/projects/123456789012/type/ServiceAccount",
    ],
  ];
  for (const [what, key, member] of refused) {
    it(`cannot be ${what}`, async () => {
      await assert.rejects(graphOf({ ...production, [`indelible:${key}`]: JSON.stringify([member]) }), {
        code: "ERR_CONFIG",
        message: `indelible:${key} has ${member.replace("Indelible-Writer", "indelible-writer")}`,
      });
    });
  }

  it("that are named twice are given their rights once", async () => {
    const twice = JSON.stringify(["group:finance@acme.example", "group:finance@acme.example"]);
    const agents = ["conversations", "thinking_logs", "conversations"].map((table) => ({
      member: "serviceAccount:cfo@agents.iam.gserviceaccount.com",
      tables: [table],
    }));
    const graph = await graphOf({
      ...production,
      "indelible:readers": twice,
      "indelible:agents": JSON.stringify(agents),
    });
    const held = heldIn(graph).map(line);
    assert.equal(new Set(held).size, held.length);
    assert.equal(held.filter((text) => text.startsWith("cfo@")).length, 2);
  });

  it("may be members of other clouds", async () => {
    const member = "principal://iam.googleapis.com/locations/global/workforcePools/acme/subject/ann";
    const graph = await graphOf({ ...production, "indelible:readers": JSON.stringify([member]) });
    assert.deepEqual(
      heldIn(graph)
        .filter((right) => right.member === member)
        .map(({ on }) => on)
        .toSorted(),
      ["datasets/agent_logs", "project"],
    );
  });

  it("stand in access lists in small letters, as BigQuery gives them back", async () => {
    const graph = await graphOf({ ...production, "indelible:readers": '["group:Finance@Acme.example"]' });
    const views = heldIn(graph).filter(({ on, role }) => on === "datasets/agent_logs" && role.includes("_reader_"));
    assert.deepEqual(
      views.map(({ member }) => member),
      ["finance@acme.example"],
    );
  });

  it("that are nobody have roles all the same: one that was deleted could not be made again for weeks", async () => {
    const nobody = await graphOf({
      "gcp:project": "acme-agents",
      "gcp:region": "europe-west1",
      "indelible:denyPolicy": "false",
    });
    const roleIds = ({ nodes }: Graph): readonly string[] =>
      nodes.flatMap(({ inputs }) => (typeof inputs["roleId"] === "string" ? [inputs["roleId"]] : []));
    assert.deepEqual(roleIds(nobody), roleIds(stacks[0]?.[2] ?? nobody));
    const members = new Set(heldIn(nobody).map(({ member }) => member.split("@")[0] ?? ""));
    assert.deepEqual([...members].filter((member) => !/^(?:service-\d+|indelible-builder)$/.test(member)).toSorted(), [
      "indelible-pusher",
      "indelible-scheduler",
      "indelible-sealer",
      "indelible-writer",
    ]);
  });
});

/** By hand from the table of rights and the settings, without the program's own way. */
function expected(settings: Settings, names: Names, accountOf: (role: RoleName) => string): readonly string[] {
  const bareAll = (members: readonly string[]): readonly string[] =>
    members.map((member) => member.replace(/^(?:user|group|serviceAccount):/, ""));
  const people: { readonly [R in RoleName]?: readonly string[] } = {
    reader: bareAll(settings.readers),
    auditor: bareAll(settings.auditors),
    ops: bareAll(settings.ops),
    breakGlass: bareAll(settings.breakGlass),
  };
  const ofAgents = settings.agents.flatMap(({ member, tables }) =>
    tables.map((table) => `${bareAll([member])[0]}: pubsub.topics.publish on topics/${names.topicPrefix}.${table}`),
  );
  const ofOthers = roleNames
    .filter((role) => role !== "agent" && (role !== "worker" || settings.worker !== undefined))
    .flatMap((role) => {
      const holders = roles[role].holder === "account" ? [accountOf(role)] : (people[role] ?? []);
      return holders.flatMap((member) =>
        roles[role].grants.flatMap((grant) =>
          resourcesOf(grant, settings, names).map((on) => line({ member, role, permissions: grant.permissions, on })),
        ),
      );
    });
  return [...ofAgents, ...ofOthers];
}

function resourcesOf(grant: Grant, { projectId, region }: Settings, names: Names): readonly string[] {
  switch (grant.on) {
    case "project":
      return ["project"];
    case "dataset": {
      const dataset = names.datasets[grant.dataset];
      return grant.tables?.map((table) => `tables/${dataset}.${table}`) ?? [`datasets/${dataset}`];
    }
    case "topic":
      return grant.topics.map((topic) => `topics/${names.topicPrefix}.${topic}`);
    case "subscription":
      return grant.subscriptions === "safety-net"
        ? [`subscriptions/${names.topicPrefix}.dead-letter.safety-net`]
        : declaredTopics(names.topicPrefix).map(({ id }) => `subscriptions/${id}.worker`);
    case "service":
      return [`services/${names.resource(grant.service)}`];
    case "signing-key":
      return [`projects/${projectId}/locations/${region}/keyRings/${names.resource("ledger")}/cryptoKeys/checkpoints`];
    case "checkpoints":
      return [`buckets/${names.bucket("checkpoints")}`];
  }
}

function line({ member, permissions, on }: Held): string {
  return `${member}: ${texts(permissions).toSorted().join(", ")} on ${on}`;
}
