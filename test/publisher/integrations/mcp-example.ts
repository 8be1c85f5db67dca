import { createPublisher } from "@indelible/publisher";
import { logMcp } from "@indelible/publisher/mcp";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const log = createPublisher({ businessId: "acme", agentPosition: "CFO" });
const client = logMcp(new Client({ name: "cfo", version: "1.0.0" }), log);
await client.connect(new StdioClientTransport({ command: "node", args: ["mcp-example-server.ts"] }));
await client.callTool({ name: "get_budget", arguments: { month: "2026-01" } });
await client.close();
console.log(`${(await log.close()).acknowledged} events are with Pub/Sub`);
