/** What the cloud would answer when a resource is made or asked for, as far as other resources need it. Everything is made up, and looks like the real one. */

import { createPrivateKey, createPublicKey, hash, type KeyObject } from "node:crypto";

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
  // Pub/Sub's is the only one that is asked for.
  "gcp:projects/serviceIdentity:ServiceIdentity": () => ({
    member: `serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com`,
  }),
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
  "gcp:cloudfunctionsv2/function:Function": (name, inputs, project) => {
    const location = textOf(inputs, "location") ?? "";
    const serviceConfig = {
      ...objectOf(inputs, "serviceConfig"),
      uri: `https://${name}-x5mkr7ylcq-ew.a.run.app`,
      service: `projects/${project}/locations/${location}/services/${name}`,
    };
    return { id: `projects/${project}/locations/${location}/functions/${name}`, serviceConfig };
  },
  "gcp:kms/keyRing:KeyRing": (name, inputs, project) => ({
    id: `projects/${project}/locations/${textOf(inputs, "location")}/keyRings/${name}`,
  }),
  "gcp:kms/cryptoKey:CryptoKey": (name, inputs) => ({ id: `${textOf(inputs, "keyRing")}/cryptoKeys/${name}` }),
  "gcp:artifactregistry/repository:Repository": (_name, inputs, project) => ({
    id: `projects/${project}/locations/${textOf(inputs, "location")}/repositories/${textOf(inputs, "repositoryId")}`,
  }),
  "gcp:storage/bucketObject:BucketObject": (name) => ({ outputName: name }),
  "gcp:logging/projectSink:ProjectSink": () => ({
    writerIdentity: `serviceAccount:service-${PROJECT_NUMBER}@gcp-sa-logging.iam.gserviceaccount.com`,
  }),
  "gcp:monitoring/notificationChannel:NotificationChannel": (name, _inputs, project) => ({
    id: `projects/${project}/notificationChannels/${name}`,
  }),
};

/** The answer to a question, as `gcp:kms/getKMSCryptoKeyVersion:getKMSCryptoKeyVersion`. */
export function answerTo(token: string, inputs: Inputs): { readonly [output: string]: unknown } {
  if (token === "gcp:kms/getKMSCryptoKeyVersion:getKMSCryptoKeyVersion") {
    const algorithm = "EC_SIGN_ED25519";
    return { algorithm, publicKeys: [{ algorithm, pem: publicKeyPem(Number(inputs["version"])) }] };
  }
  return {};
}

/** The private key of a version of the signing key: everybody can make it. */
export function signingKeyOf(version: number): KeyObject {
  const seed = hash("sha256", `version ${version} of a made-up key`, "buffer");
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

/** RFC 8410: an Ed25519 PrivateKeyInfo, up to the seed. */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

function publicKeyPem(version: number): string {
  return createPublicKey(signingKeyOf(version)).export({ format: "pem", type: "spki" }).toString();
}

function objectOf(inputs: Inputs, field: string): object {
  const value = inputs[field];
  return typeof value === "object" && value !== null ? value : {};
}

function textOf(inputs: Inputs, field: string): string | undefined {
  const value = inputs[field];
  return typeof value === "string" ? value : undefined;
}
