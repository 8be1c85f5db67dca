import { createMiddleware } from "hono/factory";
import { getConnInfo } from "@hono/node-server/conninfo";
import { bearerToken, invalidCredentials, missingCredentials } from "../access/bearer.ts";
import { WarehouseError } from "../errors.ts";
import type { HttpBindings } from "@hono/node-server";
import type { Context, MiddlewareHandler } from "hono";
import type { Caller, RequestOrigin } from "../access/caller.ts";
import type { Policy } from "../access/policy.ts";

/** What every handler may ask of its request: `context.get("caller")`, `context.get("origin")`. */
export type RestEnv = {
  Bindings: HttpBindings;
  Variables: { caller: Caller; origin: RequestOrigin };
};
export type RestContext = Context<RestEnv>;

/** Says who sends each request. @throws {WarehouseError} authError */
export function identify(policy: Policy): MiddlewareHandler<RestEnv> {
  return createMiddleware<RestEnv>(async (context, next) => {
    const token = bearerToken(context.req.header("authorization"));
    const caller = policy.callerOf(token);
    if (caller === undefined) {
      context.header("WWW-Authenticate", 'Bearer realm="indelible"');
      throw new WarehouseError("authError", token === undefined ? missingCredentials : invalidCredentials);
    }
    context.set("caller", caller);
    context.set("origin", {
      ip: getConnInfo(context).remote.address ?? "",
      userAgent: context.req.header("user-agent") ?? "",
    });
    await next();
  });
}
