import { randomBytes } from "node:crypto";
import { closeSync, fchmodSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import {
  authorizedDatasets,
  type WarehouseRoleName,
  warehouseRoleNames,
  warehouseRoles,
} from "@indelible/schemas/rights.ts";
import { isObject } from "../json.ts";

/** Where `indelible dev` keeps the tokens of its warehouse, in the data folder. */
export const ACCESS_FILE = "access.json";

/** The access policy of the warehouse of one machine: who holds which token, and what each role may do. */
export interface Access {
  /** Absolute, or as the data folder was given. */
  readonly path: string;
  token(role: WarehouseRoleName): string;
}

type Tokens = { readonly [R in WarehouseRoleName]: string };

const tokenBytes = 32;
const tokenForm = /^[\w-]{43}$/;
const ownerOnly = 0o600;

/**
 * The access policy in this data folder, written anew with the roles of this version and the tokens that it has: shells that use them go
 * on working. A role that has none gets one.
 * @throws ERR_CONFIG the file is damaged, or others can read it
 */
export function provideAccess(dataFolder: string): Access {
  const path = join(dataFolder, ACCESS_FILE);
  const known = readTokens(path);
  const entries = warehouseRoleNames.map((role) => [
    role,
    known?.[role] ?? randomBytes(tokenBytes).toString("base64url"),
  ]);
  const tokens = Object.fromEntries(entries) as Tokens;
  writeOwnerOnly(path, `${JSON.stringify(policyWith(tokens), undefined, 2)}\n`);
  return { path, token: (role) => tokens[role] };
}

/** The access policy in a file; undefined when there is none. @throws ERR_CONFIG as `provideAccess` */
export function readAccess(path: string): Access | undefined {
  const tokens = readTokens(path);
  if (tokens === undefined) return undefined;
  return {
    path,
    token(role) {
      const token = tokens[role];
      if (token === undefined) throw refuse(path, `has no token of the ${role}`);
      return token;
    },
  };
}

/** The policy as the warehouse reads it. Whoever sends no token is a reader. */
export function policyWith(tokens: Tokens): object {
  const callers = warehouseRoleNames.map((role) => ({ token: tokens[role], principal: principalOf(role), role }));
  return { anonymous: "reader", callers, roles: warehouseRoles(), authorizedDatasets };
}

/** The account of a role on one machine. */
export function principalOf(role: WarehouseRoleName): string {
  return `${role}@indelible.local`;
}

function readTokens(path: string): Partial<Tokens> | undefined {
  let text: string;
  try {
    text = readOwnerOnly(path);
  } catch (cause) {
    if (cause instanceof IndelibleError) throw cause;
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw refuse(path, "cannot be read", cause);
  }
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    // Without the parser's message, which quotes what is there.
    throw refuse(path, "is not JSON");
  }
  const callers = isObject(policy) ? policy["callers"] : undefined;
  if (!Array.isArray(callers)) throw refuse(path, "has no callers");
  const held = callers.map((caller: unknown): [WarehouseRoleName, string] => {
    const { role, token } = isObject(caller) ? caller : {};
    const name = warehouseRoleNames.find((known) => known === role);
    if (name === undefined || typeof token !== "string" || !tokenForm.test(token))
      throw refuse(path, "has a caller without a role or token of ours");
    return [name, token];
  });
  return Object.fromEntries(held) as Partial<Tokens>;
}

/** Checks the file that was opened, not one that may have taken its name since. */
function readOwnerOnly(path: string): string {
  const file = openSync(path, "r");
  try {
    const mode = fstatSync(file).mode & 0o777;
    if ((mode & ~ownerOnly) !== 0) {
      throw new IndelibleError(
        "ERR_CONFIG",
        `${path} holds tokens, and others may read it (mode ${mode.toString(8)})`,
        {
          hint: `Delete it, because its tokens may be known, and start \`indelible dev\` again; or keep them: chmod 600 ${path}`,
        },
      );
    }
    return readFileSync(file, "utf8");
  } finally {
    closeSync(file);
  }
}

function writeOwnerOnly(path: string, text: string): void {
  const file = openSync(`${path}.new`, "w", ownerOnly);
  try {
    // One that was left behind keeps the mode that it had.
    fchmodSync(file, ownerOnly);
    writeFileSync(file, text);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}

function refuse(path: string, what: string, cause?: unknown): IndelibleError {
  return new IndelibleError("ERR_CONFIG", `${path} ${what}`, {
    cause,
    hint: "Delete the file; the next `indelible dev` writes it anew, with other tokens.",
  });
}
