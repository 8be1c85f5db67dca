import { Account } from "@pulumi/gcp/serviceaccount/index.js";
import { roleNames, roles, type RoleName } from "@indelible/schemas/rights.ts";
import type { Stack } from "./stack.ts";

/** A role that has an account of its own, or the account that builds containers of the bundles. */
export type AccountName = RoleName | "builder";

export interface Accounts {
  /** @throws Error for a role that people hold, or that this stack has no use for */
  of(name: AccountName): Account;
  has(name: AccountName): boolean;
}

/** One service account for each role that is no person's. None has a key. */
export function createAccounts({ settings, names }: Stack): Accounts {
  const needed = roleNames.filter(
    (role) => roles[role].holder === "account" && (role !== "worker" || settings.worker !== undefined),
  );
  const accounts = new Map<AccountName, Account>(
    [...needed, "builder" as const].map((name) => {
      const description = name === "builder" ? "Builds containers of the bundles." : `Of ${roles[name].who}.`;
      return [
        name,
        new Account(name, { accountId: names.account(name), displayName: names.account(name), description }),
      ];
    }),
  );
  return {
    has: (name) => accounts.has(name),
    of(name) {
      const account = accounts.get(name);
      if (account === undefined) throw new Error(`there is no account of the ${name}`);
      return account;
    },
  };
}
