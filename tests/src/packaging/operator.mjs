// Holds resources of the Prometheus operator against its own models. Reads a list as JSON, writes one of what is wrong.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const models = join(process.argv[1], "node_modules/@kubernetes-models/prometheus-operator");
const found = [];
for (const thing of JSON.parse(readFileSync(0, "utf8"))) {
  const file = join(models, thing.apiVersion, `${thing.kind}.js`);
  const model = (await import(pathToFileURL(file)))[thing.kind];
  try {
    new model(thing).validate();
  } catch (error) {
    found.push(`${thing.kind}: ${error.message}`);
  }
}
process.stdout.write(JSON.stringify(found));
