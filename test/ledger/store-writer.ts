/** Creates objects in a folder store one after the other, and prints of each whether it was this process that created it. */
import { folderStore } from "@indelible/ledger/folder-store.ts";
import { objectData } from "./object-data.ts";

const [folder = "", label = "", count = "0"] = process.argv.slice(2);
const store = folderStore(folder);
for (let number = 0; number < Number(count); number += 1) {
  const name = `commits/${number}`;
  const isNew = await store.create(name, objectData(label, number));
  process.stdout.write(`${JSON.stringify({ name, isNew })}\n`);
}
