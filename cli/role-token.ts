import { join } from "node:path";
import type { WarehouseRoleName } from "@indelible/schemas/rights.ts";
import { ACCESS_FILE, readAccess } from "./dev/access.ts";

/** What the user has set as the token of a local warehouse. */
export function tokenOfEnvironment(): string | undefined {
  const token = process.env["INDELIBLE_WAREHOUSE_TOKEN"];
  return token === "" ? undefined : token;
}

/**
 * The token with which the local warehouse serves a role: what INDELIBLE_WAREHOUSE_TOKEN says, else that of the `indelible dev` of this data
 * folder; undefined when there is neither.
 * @throws ERR_CONFIG the file with the tokens is damaged, or others can read it
 */
export function roleToken(dataFolder: string, role: WarehouseRoleName): string | undefined {
  return tokenOfEnvironment() ?? readAccess(join(dataFolder, ACCESS_FILE))?.token(role);
}
