import { shared } from "../shared.ts";
import { airlineEvents, sampleEvents, type Logged } from "./mixed-log.ts";

const airline = shared("data/tau-bench-airline/gpt-4o-airline.json");

/** What the views are tried on. */
export const sources: readonly {
  readonly name: string;
  readonly skip: string | false;
  readonly events: () => Promise<Logged[]>;
}[] = [
  { name: "the sample company's day", skip: false, events: async () => sampleEvents("2026-01-31") },
  { name: "the airline's runs", skip: airline.skip, events: () => airlineEvents(airline.path, 15) },
];
