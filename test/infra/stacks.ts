import type { StackConfig } from "../../infra/settings.ts";

const people = {
  "indelible:agents": JSON.stringify([
    "serviceAccount:cfo@agents.iam.gserviceaccount.com",
    { member: "serviceAccount:cmo@agents.iam.gserviceaccount.com", tables: ["conversations", "thinking_logs"] },
  ]),
  "indelible:readers": JSON.stringify(["group:finance@acme.example"]),
  "indelible:auditors": JSON.stringify(["group:auditors@acme.example"]),
  "indelible:ops": JSON.stringify(["group:ops@acme.example"]),
  "indelible:breakGlass": JSON.stringify(["group:break-glass@acme.example"]),
  "indelible:alertEmails": JSON.stringify(["ops@acme.example"]),
};

/** A stack that says what it must and who people are. */
export const production: StackConfig = { "gcp:project": "acme-agents", "gcp:region": "europe-west1", ...people };

/** In the same project, and with everything that is off by itself. */
export const staging: StackConfig = {
  ...production,
  "indelible:environment": "staging",
  "indelible:dataLocation": "EU",
  "indelible:workerImage": "europe-west1-docker.pkg.dev/acme-agents/indelible/worker:1",
  "indelible:witness": "gs://auditor-witness/acme",
};
