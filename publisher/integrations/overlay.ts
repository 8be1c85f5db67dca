/** What lies beneath each overlay of this process. */
const beneath = new WeakMap<object, object>();

/** The object beneath an overlay; what is no overlay, as it is. */
export function uncover<T extends object>(value: T): T {
  return (beneath.get(value) as T | undefined) ?? value;
}

/** Gives what is to be seen instead of `value`, which is `target[key]`; `value` itself where nothing is to change. */
export type Replace = (key: PropertyKey, value: unknown) => unknown;

/**
 * `target` with some properties replaced, while `target` itself stays as it is: everything else is read from it,
 * written to it, and of its class. A replacement is made once for as long as the value beneath stays the same.
 *
 * A property that is frozen is seen as it is: JavaScript allows nothing else.
 */
export function overlay<T extends object>(target: T, replace: Replace): T {
  const replacements = new Map<PropertyKey, { readonly value: unknown; readonly replacement: unknown }>();
  const proxy = new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(target, key, target);
      const known = replacements.get(key);
      if (known !== undefined && known.value === value) return known.replacement;
      const replacement = isFixed(target, key) ? value : replace(key, value);
      if (replacement !== value) replacements.set(key, { value, replacement });
      return replacement;
    },
    set: (_, key, value) => Reflect.set(target, key, value, target),
  });
  beneath.set(proxy, target);
  return proxy;
}

/**
 * Methods of a class, called on the object itself: private fields cannot be read through an overlay. Anything else,
 * functions that the object owns included, stays as it is.
 */
export function bindMethod(target: object, key: PropertyKey, value: unknown): unknown {
  if (typeof value !== "function" || key === "constructor" || Object.hasOwn(target, key)) return value;
  return (value as (...args: unknown[]) => unknown).bind(target);
}

function isFixed(target: object, key: PropertyKey): boolean {
  const property = Reflect.getOwnPropertyDescriptor(target, key);
  return property !== undefined && property.configurable === false && property.writable === false;
}

/** Gives one object a method of its own, which nobody meets who lists or prints its properties. */
export function setMethod(object: object, key: PropertyKey, method: (...args: readonly unknown[]) => unknown): void {
  Object.defineProperty(object, key, { value: method, configurable: true, writable: true, enumerable: false });
}
