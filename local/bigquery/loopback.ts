const loopbackName = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?$/i;

/**
 * Whether a Host header (or HTTP/2 :authority) names this machine. Anything else is a web page whose name was pointed at
 * 127.0.0.1 (DNS rebinding), and gets nothing.
 */
export function isLoopbackHost(host: string | undefined): boolean {
  return host !== undefined && loopbackName.test(host);
}
