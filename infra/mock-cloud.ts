/** What the cloud would answer when a resource is made or asked for, as far as other resources need it. Everything is made up, and looks like the real one. */

export interface Made {
  readonly id: string;
  readonly state: { readonly [output: string]: unknown };
}

type Inputs = { readonly [input: string]: unknown };

/** Of the project of every mock. */
export const PROJECT_NUMBER = "123456789012";

export function madeUp(type: string, name: string, inputs: Inputs, projectId: string): Made {
  const named = textOf(inputs, "name") ?? name;
  const make = makers[type];
  const made = make === undefined ? { id: `${type.split(":").at(-1)}/${named}` } : make(named, inputs, projectId);
  const { id = named, ...outputs } = made;
  return { id, state: { ...inputs, ...outputs } };
}

interface MadeOutputs {
  readonly id?: string;
  readonly [output: string]: unknown;
}

const makers: { readonly [type: string]: (name: string, inputs: Inputs, projectId: string) => MadeOutputs } = {
  "gcp:pubsub/topic:Topic": (name, _inputs, project) => ({ id: `projects/${project}/topics/${name}` }),
  "gcp:pubsub/subscription:Subscription": (name, _inputs, project) => ({
    id: `projects/${project}/subscriptions/${name}`,
  }),
  "gcp:serviceaccount/account:Account": (_name, inputs, project) => {
    const email = `${textOf(inputs, "accountId")}@${project}.iam.gserviceaccount.com`;
    const id = `projects/${project}/serviceAccounts/${email}`;
    return { id, name: id, email, member: `serviceAccount:${email}` };
  },
  "gcp:projects/iAMCustomRole:IAMCustomRole": (_name, inputs, project) => {
    const id = `projects/${project}/roles/${textOf(inputs, "roleId")}`;
    return { id, name: id };
  },
  "gcp:bigquery/dataset:Dataset": (_name, inputs, project) => ({
    id: `projects/${project}/datasets/${textOf(inputs, "datasetId")}`,
  }),
  "gcp:bigquery/table:Table": (_name, inputs, project) => ({
    id: `projects/${project}/datasets/${textOf(inputs, "datasetId")}/tables/${textOf(inputs, "tableId")}`,
  }),
  "gcp:tags/tagKey:TagKey": (_name, inputs, project) => {
    const shortName = textOf(inputs, "shortName");
    return { id: `tagKeys/281470000000000-${shortName}`, namespacedName: `${project}/${shortName}` };
  },
  "gcp:tags/tagValue:TagValue": (_name, inputs) => {
    const key = textOf(inputs, "parent")?.replace("tagKeys/", "");
    return { id: `tagValues/${key}-${textOf(inputs, "shortName")}` };
  },
};

/** The answer to a question, as `gcp:organizations/getProject:getProject`. */
export function answerTo(token: string): { readonly [output: string]: unknown } {
  return token === "gcp:organizations/getProject:getProject" ? { number: PROJECT_NUMBER } : {};
}

function textOf(inputs: Inputs, field: string): string | undefined {
  const value = inputs[field];
  return typeof value === "string" ? value : undefined;
}
