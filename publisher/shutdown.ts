/** What ends a process, told to all publishers that want to know: one listener for all, so that none is one too many. */

/** What a publisher does at the end. Never rejects. */
type Close = () => Promise<unknown>;

const closers = new Set<Close>();
const SIGNAL = "SIGTERM";

/** @returns a function that takes it back */
export function closeAtEnd(close: Close): () => void {
  if (closers.size === 0) {
    process.on("beforeExit", closeAll);
    // Before the host's own listeners: those that are to be called once are gone from the list when they were called.
    process.prependListener(SIGNAL, onSignal);
  }
  closers.add(close);
  return () => {
    closers.delete(close);
    if (closers.size > 0) return;
    process.off("beforeExit", closeAll);
    process.off(SIGNAL, onSignal);
  };
}

async function closeAll(): Promise<void> {
  await Promise.all([...closers].map((close) => close()));
}

async function onSignal(): Promise<void> {
  // Who else listens has taken it upon himself to end the process.
  const isOurs = process.listenerCount(SIGNAL) === 1;
  await closeAll();
  // The last to close has taken our listener away, so that the signal does what it does by itself.
  if (isOurs) process.kill(process.pid, SIGNAL);
}

const writers = new Set<() => void>();

/**
 * Calls `write` when the process exits by `process.exit()` or by an exception in the very tick in which something was
 * logged. Only a last chance: what a finished tick has logged is on disk without it.
 *
 * @returns a function that takes it back
 */
export function writeAtExit(write: () => void): () => void {
  if (writers.size === 0) process.on("exit", writeAll);
  writers.add(write);
  return () => {
    writers.delete(write);
    if (writers.size === 0) process.off("exit", writeAll);
  };
}

function writeAll(): void {
  for (const write of writers) write();
}
