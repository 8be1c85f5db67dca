import { jsonText } from "../terminal/json-text.ts";
import { openWarehouse } from "../warehouse.ts";
import { timelineOf } from "./read.ts";
import { timelineText } from "./text.ts";

export interface TimelineFlags {
  readonly agent?: string;
  readonly full?: true;
  readonly json?: true;
  readonly data: string;
}

/** Prints one conversation. @throws what `timelineOf` throws */
export async function runTimeline(id: string, { agent, full, json, data }: TimelineFlags): Promise<void> {
  const warehouse = await openWarehouse(data);
  const timeline = await timelineOf(warehouse, id, {
    ...(agent !== undefined && { agent }),
  });
  const asText = process.stdout.isTTY && json !== true;
  process.stdout.write(asText ? timelineText(timeline, full === true, process.stdout.columns) : jsonText(timeline));
}
