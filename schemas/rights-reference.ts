import { roleNames, roles } from "./rights.ts";

/** The table of who may do what, as it stands in SECURITY.md. */
export function rightsReference(): string {
  const rows = roleNames.map((name) => `| ${roles[name].who} | ${roles[name].may} | ${roles[name].mayNot} |`);
  return ["| who | may | may not |", "|---|---|---|", ...rows].join("\n");
}
