const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether a Host header, or `:authority`, names this machine. A page in a browser can point a name of its own at 127.0.0.1
 * (DNS rebinding), but it cannot change the name that its requests carry.
 */
export function isLoopbackHost(host: string | null | undefined): boolean {
  return LOOPBACK_HOSTS.has((host ?? "").toLowerCase().replace(/:\d+$/, ""));
}
