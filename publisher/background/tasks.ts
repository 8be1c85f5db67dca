import { readFile } from "node:fs/promises";
import { IndelibleError } from "@indelible/schemas/errors.ts";
import { prepare, type Prepared } from "../preparation.ts";
import { createPubSubTransport } from "../pubsub-transport.ts";
import type { BatchTransport } from "../transport.ts";
import type { PrepareRequest, PublishRequest, Request, Results } from "./protocol.ts";

/**
 * Does what the background thread is asked for; where there is no such thread, on the main one. One connection for each
 * project, whatever the number of publishers.
 */
export class Tasks {
  readonly #transports = new Map<string | undefined, BatchTransport>();

  /** @param onLine told which line of a pack is about to be redacted */
  async run(request: Request, onLine?: (line: number) => void): Promise<Results[keyof Results]> {
    switch (request.kind) {
      case "prepare":
        return this.#prepare(request, onLine);
      case "publish":
        return this.#publish(request);
      case "disconnect":
        return this.#disconnect();
    }
  }

  async #prepare(
    { table, lines, isSpooled, held, settings }: PrepareRequest,
    onLine?: (line: number) => void,
  ): Promise<Prepared> {
    const bytes = "bytes" in lines ? lines.bytes : await readSegment(lines.path);
    return prepare({ table, bytes, isSpooled, held }, settings, onLine);
  }

  #publish({ projectId, topic, data, attributes, deadlineMs }: PublishRequest): Promise<string> {
    let transport = this.#transports.get(projectId);
    if (transport === undefined) {
      transport = createPubSubTransport(projectId === undefined ? {} : { projectId });
      this.#transports.set(projectId, transport);
    }
    const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    return transport.publish(topic, buffer, { ...attributes }, deadlineMs);
  }

  async #disconnect(): Promise<undefined> {
    const transports = [...this.#transports.values()];
    this.#transports.clear();
    await Promise.all(transports.map((transport) => transport.close()));
  }
}

async function readSegment(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "ENOENT") {
      // It does not come back, and must not keep the others of its table waiting.
      throw new IndelibleError("ERR_SPOOL_DAMAGED", `a segment of the spool is gone, with its events: ${path}`, {
        cause,
        hint: "Nobody but the publisher may remove files from the spool while it is at work: find out who did.",
      });
    }
    throw new IndelibleError("ERR_SPOOL", `a segment of the spool cannot be read: ${path}`, { cause });
  }
}
