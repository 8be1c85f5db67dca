const form = /^(?:[A-Za-z0-9._-]+\/)*[A-Za-z0-9._-]+$/;
const MAX_LENGTH = 500;

/** Whether an object can have this name: see `ObjectStore`. */
export function isObjectName(name: string): boolean {
  return form.test(name) && name.length <= MAX_LENGTH && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(name);
}

/** @throws RangeError when this cannot be the name of an object: a fault of the caller, never of what is stored */
export function assertObjectName(name: string): void {
  if (!isObjectName(name)) throw new RangeError(`${JSON.stringify(name)} cannot be the name of an object`);
}

/** The same of what `list` is given. @throws RangeError */
export function assertObjectPrefix(prefix: string): void {
  if (!prefix.endsWith("/")) throw new RangeError(`the prefix ${JSON.stringify(prefix)} does not end in "/"`);
  assertObjectName(prefix.slice(0, -1));
}
