/** Keeps the background thread running for a whole test file, so that no test waits for its start. */
import { createPublisher } from "@indelible/publisher";
import { after } from "node:test";

const keeper = createPublisher({
  businessId: "acme",
  agentPosition: "keeper",
  transport: { publish: () => Promise.resolve("1"), close: () => Promise.resolve() },
});
keeper.action({});
await keeper.flush();
after(() => keeper.close());
