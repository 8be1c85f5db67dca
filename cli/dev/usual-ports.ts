import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { lockFile } from "./file-lock.ts";
import type { Ports } from "./child.ts";

/** Says which ports a service of this stack tries first. */
export interface UsualPorts extends Disposable {
  /** False: another `indelible dev` has them. */
  readonly claimed: boolean;
  /** The ports that are given, or zeros, which are any free ones. */
  of(ports: Ports): Ports;
}

/**
 * Claims the usual ports for one `indelible dev` of this user, until disposed of or until this process ends, however it ends. A service that
 * is just being started again has its port free for a moment: another stack that took it then would be given what was meant for this one.
 *
 * @param folder where users claim them; replaced in tests
 */
export function claimUsualPorts(folder: string = tmpdir()): UsualPorts {
  const claim = lockIn(join(folder, `indelible-ports-${userInfo().uid}`));
  return {
    claimed: claim !== undefined,
    of: (ports) => (claim === undefined ? Object.fromEntries(Object.keys(ports).map((name) => [name, 0])) : ports),
    [Symbol.dispose]: () => claim?.[Symbol.dispose](),
  };
}

/** A claim that cannot be made is no claim: any free port does as well. */
function lockIn(folder: string): Disposable | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return lockFile(join(folder, "lock.db"), 0);
  } catch {
    return undefined;
  }
}
