import { hash } from "node:crypto";

/** Lower-case hex SHA-256. */
export function sha256(data: string | Buffer): string {
  return hash("sha256", data, "hex");
}
