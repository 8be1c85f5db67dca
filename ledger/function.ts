/**
 * The sealer as an HTTP function, for Cloud Scheduler: POST /seal runs it once. 200: sealed, or nothing to seal, or another one was faster;
 * 503: try again; 500: somebody has to look, also when it was sealed and the witness refuses what it was shown.
 */
import { http } from "@google-cloud/functions-framework";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { sealerFromEnvironment, type SealerService } from "./config.ts";
import { isRefusal, Sealer } from "./sealer.ts";

/** What the function runs on; whoever runs the process closes it. */
export const service: SealerService = sealerFromEnvironment(process.env);
export const sealer: Sealer = new Sealer(() => service.options());

http("seal", async (request, response) => {
  if (request.method === "GET" && request.path === "/healthz") {
    response.json({ status: "ok", ...sealer.state });
    return;
  }
  // A web page can send JSON to a port on this machine only under another content type.
  if (request.method !== "POST" || !request.is("application/json")) {
    response.status(404).json({ error: "POST /seal with content-type application/json; GET /healthz" });
    return;
  }
  try {
    const { commitNumber, logSize, seals, rows, witnessFailure } = await sealer.run();
    const witness = witnessFailure === undefined ? "ok" : isRefusal(witnessFailure) ? "refuses" : "behind";
    response
      .status(witness === "refuses" ? 500 : 200)
      .json({ commitNumber, logSize: String(logSize), seals, rows, witness });
  } catch (error) {
    const code = IndelibleError.is(error) ? error.code : "internal error";
    if (code === "ERR_SEAL_CONFLICT") response.json({ conflict: true });
    else response.status(IndelibleError.is(error) && error.retryable ? 503 : 500).json({ error: code });
  }
});
