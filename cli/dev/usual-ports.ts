import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tryLock, type Lock } from "@indelible/publisher/spool/lock.ts";
import { messageOf } from "../terminal/failure.ts";
import type { Ports } from "./child.ts";

/** Says which ports a service of this stack tries first. */
export interface UsualPorts extends Disposable {
  /** Why they are not this stack's; undefined when they are. */
  readonly refusal: string | undefined;
  /** The ports that are given, or zeros, which are any free ones. */
  of(ports: Ports): Ports;
}

/**
 * Claims the usual ports for one `indelible dev` of this user, until disposed of or until this process ends, however it ends. A service that
 * is just being started again has its port free for a moment: another stack that took it then would be given what was meant for this one.
 * A claim that cannot be made is no claim: any free port does as well.
 *
 * @param folder where users claim them; replaced in tests
 */
export function claimUsualPorts(folder: string = tmpdir()): UsualPorts {
  let lock: Lock | undefined;
  let refusal: string | undefined;
  try {
    const own = join(folder, `indelible-ports-${process.getuid?.() ?? "user"}`);
    mkdirSync(own, { recursive: true, mode: 0o700 });
    lock = tryLock(join(own, "lock.db"));
    if (lock === undefined) refusal = "another `indelible dev` has them";
  } catch (cause) {
    refusal = `they cannot be claimed in ${folder}: ${messageOf(cause)}`;
  }
  return {
    refusal,
    of: (ports) => (lock === undefined ? Object.fromEntries(Object.keys(ports).map((name) => [name, 0])) : ports),
    [Symbol.dispose]: () => lock?.release(),
  };
}
