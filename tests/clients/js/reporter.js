// Notes which client passed what, for the table in docs/clients.md: a test is named PACKAGE: WHAT.
import { readFileSync } from "node:fs";

export default async function* notes(events) {
  const entries = [];
  for await (const { type, data } of events) {
    const [name, ...what] = data?.name?.split(": ") ?? [];
    if ((type !== "test:pass" && type !== "test:fail") || what.length === 0) continue;
    const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
    const { version } = JSON.parse(readFileSync(manifest));
    const outcome = type === "test:pass" ? "passed" : "failed";
    entries.push({ package: `${name} (npm)`, version, what: what.join(": "), outcome });
  }
  yield JSON.stringify(entries, null, 1) + "\n";
}
